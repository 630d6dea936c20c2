// Reads the rows behind a server directly: what was charged has no address of its own in the API yet, and a test that asks the
// server about its own memory would miss what is not on disk.

import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const here = path.dirname(fileURLToPath(import.meta.url))
const PYTHON = process.env.VITRINE_PYTHON ?? path.join(here, '../../../.venv/bin/python')
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024

/** Node 20 has no SQLite of its own, Python has. */
const SQLITE_READER = `
import json, sqlite3, sys
rows = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute(sys.argv[2]).fetchall()
print(json.dumps(rows))
`

/** @typedef {{name: string, url: string, hex: (column: string) => string, rows: (sql: string) => Promise<any[][]>, drop: () => Promise<void>}} Database */

/** A SQLite file in a data directory, where the server itself puts it. */
export function sqlite(data) {
  const file = path.join(data, 'vitrine.db')
  return {
    name: 'SQLite',
    url: `sqlite://${file}`,
    hex: (column) => `lower(hex(${column}))`,
    async rows(sql) {
      const { stdout } = await execute(PYTHON, ['-c', SQLITE_READER, file, sql], { maxBuffer: OUTPUT_BYTES_MAX })
      return JSON.parse(stdout)
    },
    async drop() {},
  }
}

function psqlProgram() {
  for (const folder of ['/usr/bin', '/usr/local/bin']) if (existsSync(`${folder}/psql`)) return `${folder}/psql`
  const base = '/usr/lib/postgresql'
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : []
  for (const version of versions) {
    const program = `${base}/${version}/bin/psql`
    if (existsSync(program)) return program
  }
  return 'psql'
}

async function psql(url, sql) {
  const { stdout } = await execute(psqlProgram(), ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--dbname', url, '--command', sql], {
    maxBuffer: OUTPUT_BYTES_MAX,
  })
  return stdout.trim()
}

/** A database of its own on the PostgreSQL server of the tests. */
export async function postgres(server, name) {
  await psql(server, `CREATE DATABASE ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    name: 'PostgreSQL',
    url: url.href,
    hex: (column) => `encode(${column}, 'hex')`,
    async rows(sql) {
      const text = await psql(url.href, `SELECT coalesce(json_agg(r), '[]') FROM (${sql}) AS r`)
      return JSON.parse(text).map(Object.values)
    },
    drop: () => psql(server, `DROP DATABASE ${name} WITH (FORCE)`),
  }
}
