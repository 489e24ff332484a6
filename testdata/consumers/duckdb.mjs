// Reads exported weights as they are with DuckDB: a column of dates, one of numbers, and sums of exactly the budget.
// usage: node duckdb.mjs BUDGET weights.csv weights_wide.csv weights.parquet [more long.csv ...]
import { DuckDBInstance } from '@duckdb/node-api'

const [budget, long, wide, parquet, ...more] = process.argv.slice(2)
const db = await (await DuckDBInstance.create()).connect()
const rows = async (sql) => (await db.runAndReadAll(sql)).getRowsJson()
const fail = (what) => { console.error(what); process.exitCode = 1 }
const quote = (path) => `'${path.replaceAll("'", "''")}'`

const types = async (from) => Object.fromEntries((await rows(`describe select * from ${from}`)).map(([name, type]) => [name, type]))
for (const from of [long, ...more].map(p => `read_csv(${quote(p)})`).concat(`read_parquet(${quote(parquet)})`)) {
  const t = await types(from)
  if (t.as_of !== 'DATE' || t.effective !== 'DATE' || t.strategy !== 'VARCHAR' || t.weight !== 'DOUBLE') fail(`${from}: ${JSON.stringify(t)}`)
  const off = await rows(`select effective, sum(weight::decimal(18, 12)) from ${from} group by effective having sum(weight::decimal(18, 12)) <> ${budget}::decimal(18, 12)`)
  if (off.length) fail(`${from}: weights that do not sum to ${budget}: ${JSON.stringify(off)}`)
  console.log(`${from}: ${JSON.stringify(await rows(`select count(*), count(distinct effective) from ${from}`))} rows, days`)
}
// The three forms hold the same numbers.
const differ = async (a, b) => (await rows(`select count(*) from ((${a} except ${b}) union all (${b} except ${a}))`))[0][0]
const columns = 'select strategy, weight from '
if (await differ(`${columns} read_csv(${quote(long)})`, `${columns} read_parquet(${quote(parquet)})`) != 0) fail('the Parquet file differs')
const turned = `(unpivot read_csv(${quote(wide)}) on columns(* exclude (date)) into name strategy value weight)`
if (await differ(`${columns} read_csv(${quote(long)}) where weight <> 0`, `${columns} ${turned} where weight <> 0`) != 0) fail('the wide file differs')
