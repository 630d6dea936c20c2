// Starts a demo for the Python suite, which knows it only by the object that it printed, and ends it cleanly afterwards.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDemo } from './lib/server.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const python = process.env.VITRINE_PYTHON ?? path.join(here, '../../.venv/bin/python')

const demo = await startDemo()
let code = 1
try {
  const file = path.join(demo.data, 'demo.json')
  await writeFile(file, JSON.stringify(demo.info), { mode: 0o600 })
  const suite = spawn(python, ['-W', 'ignore', 'test_journey.py', '-v', ...process.argv.slice(2)], {
    cwd: path.join(here, 'python'),
    // Tests make times in UTC; the SDK's own examples use local time.
    env: { ...process.env, VITRINE_DEMO: file, TZ: 'UTC', PYTHONDONTWRITEBYTECODE: '1' },
    stdio: 'inherit',
  })
  ;[code] = await once(suite, 'exit')
  if (code !== 0) process.stderr.write(demo.running.log.slice(-20_000))
} finally {
  await demo.stop()
}
process.exitCode = code ?? 1
