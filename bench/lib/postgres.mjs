// PostgreSQL as a yardstick for durable rows: a private server with its durable settings, the tables of our own schema with all their indexes,
// and single inserts of rows as ours writes them.

import { execFileSync, spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { postgres } from '../../tests/e2e/lib/database.mjs'

const TOOL = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../tools/postgres-for-tests')

/** A private server with one database; nothing of it is left after `stop`. */
export async function startPostgres() {
  const said = execFileSync(TOOL, ['start'], { encoding: 'utf8' })
  const setting = (name) => new RegExp(`${name}='([^']*)'`).exec(said)[1]
  const folder = setting('VITRINE_TEST_POSTGRES_DIR')
  const stop = () => execFileSync(TOOL, ['stop', folder])
  try {
    const database = await postgres(setting('VITRINE_TEST_POSTGRES'), 'bench')
    const [[pid]] = await database.rows(`SELECT trim(split_part(pg_read_file('postmaster.pid'), E'\\n', 1)) AS pid`)
    return { database, pid: Number(pid), stop }
  } catch (error) {
    stop()
    throw error
  }
}

/**
 * The statement that inserts a copy of the newest row of `table`, with parameters in the place of the `fresh` columns, and its text for another
 * statement beside it.
 */
export async function copying(database, table, fresh, first = 1) {
  const columns = (
    await database.rows(`SELECT column_name FROM information_schema.columns WHERE table_name = '${table}' ORDER BY ordinal_position`)
  ).flat()
  const literals = columns.map((column) => `quote_nullable(${column}::text) AS c_${column}`).join(', ')
  const [row] = await database.rows(`SELECT ${literals} FROM ${table} LIMIT 1`)
  const values = columns.map((column, at) => {
    const place = fresh.indexOf(column)
    if (place >= 0) return `$${place + first}`
    return row[at] === 'NULL' ? 'NULL' : row[at]
  })
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${values.join(', ')})`
}

/** Rows over connections that stay open: `make(count)` resolves with the milliseconds that so many took. */
export function startRows(program, args) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    pid: child.pid,
    async make(count) {
      child.stdin.write(`${count}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`${program} ended early`)
      return Number(value) / 1e6
    },
    stop: () => child.kill(),
  }
}
