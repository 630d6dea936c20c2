// bench/run [LINE]...: measures the lines of bench/lines, all or those that are named, and prints one row for each.
//
// VITRINE_BIN            the binary; target/release/vitrine without it
// VITRINE_BENCH_ROUNDS   rounds of each contender (9)
// VITRINE_BENCH_REQUESTS requests of each contender in each round (4000)
// VITRINE_BENCH_STRICT   when set, a missed target ends with status 1
// VITRINE_BENCH_KEEP     when set, what comes out is kept: bench/results.json, docs/performance.md and its plot
// Some lines have settings of their own; they stand at the top of their files.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { keep } from './lib/report.mjs'

const HERE = path.dirname(fileURLToPath(import.meta.url))
const ROOT = path.join(HERE, '..')
// The end-to-end library reads it when it is loaded, which is below.
process.env.VITRINE_BIN ??= path.join(ROOT, 'target/release/vitrine')
const PROFILE = path.dirname(path.resolve(process.env.VITRINE_BIN))

const fail = (text) => {
  console.error(`error: ${text}`)
  process.exit(1)
}

const settings = {
  rounds: Number(process.env.VITRINE_BENCH_ROUNDS ?? 9),
  requests: Number(process.env.VITRINE_BENCH_REQUESTS ?? 4000),
  // Programs of `yardsticks/`, by name.
  yardstick: (name) => path.join(PROFILE, 'examples', name),
}
if (!existsSync(process.env.VITRINE_BIN)) fail(`${process.env.VITRINE_BIN} is missing: make build`)
for (const file of readdirSync(path.join(HERE, 'yardsticks'))) {
  const program = settings.yardstick(path.parse(file).name)
  if (!existsSync(program)) fail(`${program} is missing: make bench builds it`)
}

const lines = readdirSync(path.join(HERE, 'lines'))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
  .sort()
const wanted = process.argv.slice(2)
for (const line of wanted) if (!lines.includes(line)) fail(`there is no line ${line}; there are: ${lines.join(', ')}`)

const version = execFileSync(process.env.VITRINE_BIN, ['--version'], { encoding: 'utf8' }).trim()
console.log(`${version}, ${path.relative(process.cwd(), process.env.VITRINE_BIN)}; ${settings.rounds} rounds of ${settings.requests} requests`)
let missed = 0
for (const line of wanted.length > 0 ? wanted : lines) {
  const { about, measure } = await import(`./lines/${line}.mjs`)
  console.log(`\n${line}: ${about}`)
  const result = await measure(settings)
  const { unit, cost, ratios } = result
  const width = Math.max(...[...Object.keys(cost), ...Object.keys(ratios)].map((who) => who.length))
  for (const [who, value] of Object.entries(cost)) console.log(`  ${who.padEnd(width)} ${value.toFixed(1).padStart(8)}  ${unit}`)
  for (const [who, { median, least, most, target }] of Object.entries(ratios)) {
    const met = target === undefined || median <= target
    const verdict = target === undefined ? '' : `, target at most ${target}: ${met ? 'met' : 'MISSED'}`
    console.log(`  ${who.padEnd(width)} ${median.toFixed(2).padStart(8)}  (${least.toFixed(2)} to ${most.toFixed(2)})${verdict}`)
    if (!met) missed += 1
  }
  if (process.env.VITRINE_BENCH_KEEP) {
    const { rounds, requests } = settings
    keep(line, { about, rounds, requests, load: loadavg()[0], ...result })
  }
}
if (missed > 0 && process.env.VITRINE_BENCH_STRICT) process.exit(1)
