// Writes the fixtures of this folder with programs other than ours.
//   npm install apache-arrow@21.2.0 hyparquet@1.31.5 hyparquet-writer@0.17.0 parquet-wasm@0.8.0 nodejs-polars@0.26.1 @duckdb/node-api@1.5.6-r.1
//   node make.mjs .
import * as arrow from 'apache-arrow'
import { writeFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import pl from 'nodejs-polars'
import { parquetWriteBuffer } from 'hyparquet-writer'
import * as wasm from 'parquet-wasm'
const out = process.argv[2] + '/'
const note = (name) => (e) => console.error(name, e.message)

// DuckDB: every type we read, every codec, dictionary and plain, v1 and v2 pages.
const db = await (await DuckDBInstance.create()).connect()
const rows = `select date '2024-01-01' + i::int as date, case when i = 3 then null else i / 128.0::double end as x,
  (i / 4.0)::float as f, (i - 2)::int as i32, (i * 1000000007)::bigint as i64, i::utinyint as u8,
  'name ' || (i % 3) as s, case when i % 2 = 0 then 'é' || i end as t, (i / 100.0)::decimal(9,2) as d9, (i / -1000.0)::decimal(25,3) as d25,
  timestamp '2024-01-01' + interval (i) day as ts, (timestamp '2024-01-01' + interval (i) day)::timestamp_ns as tns,
  (timestamp '2024-01-01' + interval (i) day)::timestamp_ms as tms, timestamptz '2024-01-01 00:00:00+00' + interval (i) day as tz,
  (i % 4) / 8.0::double as dup from range(100) r(i)`
for (const codec of ['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw', 'brotli'])
  await db.run(`copy (${rows}) to '${out}duckdb-${codec}.parquet' (format parquet, codec ${codec}, row_group_size 2048)`).catch(note(codec))
await db.run(`copy (${rows}) to '${out}duckdb-v2.parquet' (format parquet, codec zstd, parquet_version v2)`).catch(note('v2'))
await db.run(`copy (select true as flag, 1.5::double as x) to '${out}duckdb-boolean.parquet' (format parquet)`)
await db.run(`copy (select [1, 2] as list, {'a': 1, 'b': 'c'} as pair, 1.5::double as x) to '${out}duckdb-nested.parquet' (format parquet)`)

// apache-arrow for JavaScript: file and stream, dictionary-encoded text by default.
const table = arrow.tableFromArrays({ x: new Float64Array([1.5, -2, 0.25]), f: new Float32Array([1, 2, 3.5]), i: new Int32Array([1, -2, 3]), s: ['a', 'b', 'a'], day: [new Date(0), new Date(86400000), new Date(172800000)] })
writeFileSync(out + 'arrowjs.arrow', arrow.tableToIPC(table, 'file'))
writeFileSync(out + 'arrowjs.arrows', arrow.tableToIPC(table, 'stream'))
const zoned = new arrow.Table({
  t: arrow.vectorFromArray([0, null, 86400000], new arrow.TimestampMillisecond('Europe/London')),
  d: arrow.vectorFromArray([new Date(0), null, new Date(86400000)], new arrow.DateDay()),
  u: arrow.vectorFromArray(['x', null, 'née'], new arrow.Utf8()), l: arrow.vectorFromArray(['x', null, 'née'], new arrow.LargeUtf8()),
  x: arrow.vectorFromArray([1, null, 2.5], new arrow.Float64()), i64: arrow.vectorFromArray([1n, null, -3n], new arrow.Int64()),
})
writeFileSync(out + 'arrowjs-zoned.arrow', arrow.tableToIPC(zoned, 'file'))

// polars: Parquet with an embedded Arrow schema, Feather plain and compressed.
const df = pl.DataFrame({ name: ['a long name, above twelve', 'b', null, 'd'], x: [0.5, null, -1.25, 3], n: [1, 2, 3, 4] })
for (const c of ['uncompressed', 'lz4', 'zstd']) { try { df.writeIPC(out + `polars-${c}.feather`, { compression: c }) } catch (e) { note(c)(e) } }
try { df.writeParquet(out + 'polars.parquet', { compression: 'zstd' }) } catch (e) { note('polars')(e) }

// hyparquet-writer and parquet-wasm (the Rust parquet crate).
writeFileSync(out + 'hyparquet.parquet', Buffer.from(parquetWriteBuffer({ columnData: [
  { name: 'date', data: [new Date(0), new Date(86400000)], type: 'TIMESTAMP' }, { name: 'x', data: [0.5, null], type: 'DOUBLE' }, { name: 's', data: ['a', 'b'], type: 'STRING' },
] })))
for (const [name, codec] of [['lz4', wasm.Compression?.LZ4_RAW], ['snappy', wasm.Compression?.SNAPPY]]) {
  try {
    const props = new wasm.WriterPropertiesBuilder().setCompression(codec).build()
    writeFileSync(out + `wasm-${name}.parquet`, wasm.writeParquet(wasm.Table.fromIPCStream(arrow.tableToIPC(zoned, 'stream')), props))
  } catch (e) { note(name)(e) }
}
process.exit(0)
