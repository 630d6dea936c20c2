// The hot queries while their tables grow: flat or logarithmic.
//
// VITRINE_BENCH_ROWS  rows of every table, growing (1000,100000); ten million need some 15 GiB of disk and half an hour

import { execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { temporaryFolder } from '../../tests/e2e/lib/server.mjs'

const SIZES = process.env.VITRINE_BENCH_ROWS ?? '1000,100000'
/** A tree of a hundred times as many rows is one or two pages deeper. */
const TARGET = 2

export const name = 'growth'
export const about = 'CPU of each hot query on SQLite while its table grows'

/** @param {{yardstick: (name: string) => string}} options */
export async function measure({ yardstick }) {
  const folder = await temporaryFolder('growth')
  try {
    const said = execFileSync(yardstick('query_growth'), [folder, ...SIZES.split(',')], { encoding: 'utf8' })
    const found = said.trim().split('\n').map((line) => JSON.parse(line))
    const cost = Object.fromEntries(found.map(({ rows, query, ns }) => [`${query}, ${rows} rows`, ns / 1000]))
    const first = Math.min(...found.map(({ rows }) => rows))
    const ratios = {}
    for (const { rows, query, ns } of found) {
      if (rows === first) continue
      const ratio = ns / found.find((one) => one.query === query && one.rows === first).ns
      ratios[`${query}: ${rows} rows over ${first}`] = { median: ratio, least: ratio, most: ratio, target: TARGET }
    }
    return { unit: 'CPU µs per query', cost, ratios }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
