// Reads our files with programs other than ours and compares what they see.
// The packages are those of make.mjs.
//   node check.mjs .
import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import * as arrow from 'apache-arrow'
import { parquetReadObjects } from 'hyparquet'
import * as wasm from 'parquet-wasm'
import pl from 'nodejs-polars'
import { DuckDBInstance } from '@duckdb/node-api'
const dir = process.argv[2] + '/'
const odd = '../..\\ <b>&</b> =cmd() 😀\n'
const names = ['date', 'x', 'n', 's', 't', 'z', 'w', 'date?', 'x?', 'n?', 's?', 't?', 'z?', 'w?', odd, 'extremes']
const extremes = [Number.MAX_VALUE, 5e-324, -0]
const same = (what, got, want) => { assert.deepStrictEqual(got, want, what); console.log('ok', what) }
const list = (v) => Array.from(v, (x) => (typeof x === 'bigint' ? Number(x) : x))

const fromIPC = (what, b) => {
  const t = arrow.tableFromIPC(b)
  same(what + ' names', t.schema.fields.map((f) => f.name), names)
  same(what + ' zone', t.schema.fields[5].type.timezone, 'Europe/London')
  same(what + ' extremes', list(t.getChild('extremes')), extremes)
  same(what + ' nulls', list(t.getChild('x?')), [1.5, null, -2])
  same(what + ' text', list(t.getChild(odd)), ['=1+1', 'a\u0000b', 'línea\r\nx'])
  same(what + ' metadata', [t.schema.metadata.get('a'), t.schema.metadata.get('b')], ['1', 'ü'])
}
fromIPC('apache-arrow ours.arrow', readFileSync(dir + 'ours.arrow'))
fromIPC('parquet-wasm ours.parquet', wasm.readParquet(readFileSync(dir + 'ours.parquet')).intoIPCStream())

const b = readFileSync(dir + 'ours.parquet')
const rows = await parquetReadObjects({ file: b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength) })
same('hyparquet names', Object.keys(rows[0]), names)
same('hyparquet extremes', rows.map((r) => r.extremes), extremes)
same('hyparquet nulls', rows.map((r) => r['s?'] ?? null), ['a', null, 'née'])

for (const [what, df] of [['polars ours.parquet', pl.readParquet(dir + 'ours.parquet')], ['polars ours.arrow', pl.readIPC(readFileSync(dir + 'ours.arrow'))]]) {
  same(what + ' names', df.columns, names)
  same(what + ' extremes', df.getColumn('extremes').toArray(), extremes)
  same(what + ' nulls', df.getColumn('n?').toArray().map((v) => (v === null ? null : Number(v))), [7, null, 8])
}

const db = await (await DuckDBInstance.create()).connect()
const answer = await (await db.runAndReadAll(`select epoch_ns(w)::varchar, date::varchar, extremes, "x?", z::varchar from '${dir}ours.parquet'`)).getRows()
same('duckdb values', answer.map((r) => [r[0], r[1], r[2], r[3]]), [['3', '1970-01-01', extremes[0], 1.5], ['0', '1970-01-02', extremes[1], null], ['5', '1969-12-27', extremes[2], -2]])
const described = await (await db.runAndReadAll(`describe select * from '${dir}ours.parquet'`)).getRows()
same('duckdb names', described.map((r) => r[0]), names)
process.exit(0)
