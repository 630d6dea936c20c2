// Instructions of warm paths, counted by callgrind in the test `instructions` of the server's HTTP tests (crates/vitrine/tests/http). Counts hardly
// depend on the machine or on what else it does, unlike times. They are those of a debug build, so they guard against more work for one
// request (a copy, an allocation, a look-up), not against a compiler that optimises less; `make bench` measures the release build.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const STORED = 'tests/instructions.json'
const TEST = 'instructions::warm_paths_answer_again_and_again'
/** The function whose instructions are counted, and at whose end they are written down: as patterns, which must not be the same text. */
const [COUNTED, WRITTEN] = ['*instructions::counted*', 'http::instructions::counted']
/** Hash tables are seeded anew in each process, and a cache tidies up at its own times. */
const TOLERANCE = 0.05

const fail = (text) => {
  console.error(`error: ${text}`)
  process.exit(1)
}

/** The test program: the one that VITRINE_HTTP_TESTS names, or what cargo builds. */
function testProgram() {
  if (process.env.VITRINE_HTTP_TESTS) return path.resolve(process.env.VITRINE_HTTP_TESTS)
  const build = ['test', '--workspace', '--locked', '--test', 'http', '--no-run', '--message-format=json']
  const said = execFileSync('cargo', build, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] })
  const artifacts = said.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  const found = artifacts.find(({ executable, target }) => executable && target.name === 'http')
  if (!found) fail('cargo built no test program called http')
  return found.executable
}

/** Instructions of each path for one turn. */
function count(program) {
  const folder = mkdtempSync(path.join(tmpdir(), 'vitrine-instructions-'))
  try {
    const out = path.join(folder, 'out')
    const valgrind = [
      '--tool=callgrind',
      '--quiet',
      // Threads take turns, so that what runs beside requests is not kept from running.
      '--fair-sched=yes',
      `--callgrind-out-file=${out}`,
      '--collect-atstart=no',
      `--toggle-collect=${COUNTED}`,
      `--dump-after=${WRITTEN}`,
    ]
    const run = spawnSync('valgrind', [...valgrind, program, '--exact', TEST, '--nocapture', '--test-threads=1'], {
      encoding: 'utf8',
      cwd: 'crates/vitrine',
    })
    if (run.error) fail(`valgrind cannot be run (tools/setup bench installs it): ${run.error.message}`)
    if (run.status !== 0) fail(`the test failed under valgrind:\n${run.stdout}${run.stderr}`)
    const paths = [...run.stdout.matchAll(/counted (\S+) (\d+)$/gm)].map(([, name, turns]) => [name, Number(turns)])
    // One file for each end of the function, in order; the last one has what came after.
    const dumps = readdirSync(folder)
      .map((file) => [Number(/^out\.(\d+)$/.exec(file)?.[1]), path.join(folder, file)])
      .filter(([number]) => number > 0)
      .sort(([a], [b]) => a - b)
      .map(([, file]) => readFileSync(file, 'utf8'))
      .filter((text) => /^desc: Trigger: --dump-after/m.test(text))
    if (dumps.length !== paths.length) fail(`${paths.length} parts were gone, but ${dumps.length} were counted`)
    const sums = {}
    paths.forEach(([name, turns], at) => {
      const sum = (sums[name] ??= { turns: 0, instructions: 0 })
      sum.turns += turns
      sum.instructions += Number(/^(?:totals|summary): (\d+)/m.exec(dumps[at])[1])
    })
    return Object.fromEntries(Object.entries(sums).map(([name, { turns, instructions }]) => [name, Math.round(instructions / turns)]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const accept = process.argv[2] === 'accept'
const counts = count(testProgram())
const stored = JSON.parse(readFileSync(STORED, 'utf8'))
let worse = 0
for (const [name, now] of Object.entries(counts)) {
  const before = stored[name]
  const change = before === undefined ? undefined : now / before - 1
  let verdict = 'ok'
  if (change === undefined) verdict = accept ? 'new' : 'NOT STORED'
  else if (change > TOLERANCE) verdict = accept ? 'accepted' : 'MORE THAN ALLOWED'
  else if (change < -TOLERANCE) verdict = 'less: accept it, so that it stays so'
  if (verdict === 'NOT STORED' || verdict === 'MORE THAN ALLOWED') worse += 1
  const shown = change === undefined ? '' : `${(100 * change).toFixed(1)} %`
  console.log(`${name.padEnd(24)} ${String(now).padStart(10)} ${String(before ?? '-').padStart(10)} ${shown.padStart(8)}  ${verdict}`)
}
for (const name of Object.keys(stored).filter((name) => !(name in counts))) {
  console.log(`${name.padEnd(24)} is stored, but was not counted`)
  worse += 1
}
if (accept) {
  writeFileSync(STORED, `${JSON.stringify(counts, null, 2)}\n`)
  console.log(`${STORED} is written.`)
} else if (worse > 0) {
  fail(
    `${worse} of the warm paths take more instructions than allowed (${100 * TOLERANCE} % above ${STORED}). Look for the work that was added; ` +
      'if it is worth it: tools/instructions accept, and say why in the commit.',
  )
}
