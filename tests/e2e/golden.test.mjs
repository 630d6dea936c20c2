// The files of the demo models, byte by byte, from whichever binary VITRINE_BIN names: `make test` has the debug build, and
// `VITRINE_BIN=target/release/vitrine node --test tests/e2e/golden.test.mjs` holds a release build against the same golden file.
// With one worker and with several at once.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { expectStatus, request } from './lib/http.mjs'
import { createTicket, uploadModel } from './lib/journey.mjs'
import { freePort, run, Running, temporaryFolder, until } from './lib/server.mjs'

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..')
const GOLDEN = readFileSync(path.join(ROOT, 'crates/engine/tests/golden/exports.txt'), 'utf8')
/** The same lines that the engine's own test adds: an export of every format. */
const EVERY_FORMAT = /const EVERY_FORMAT: &str = "\n([^"]*)"/.exec(readFileSync(path.join(ROOT, 'crates/engine/tests/worker_pool/golden.rs'), 'utf8'))[1]
const MODELS = ['shelf', 'enclosure', 'lamp']

/** Asks, as clients do, until an export is there. */
async function exported(session, id) {
  for (;;) {
    const { json } = await expectStatus(200, 'PUT', `${session}/export`, { json: { parameters: {}, exports: [id] } })
    const answer = json.exports[id]
    if (!answer.delay) return answer
    await new Promise((resolve) => setTimeout(resolve, answer.delay))
  }
}

/** The lines of the golden file for one model, from this server. */
async function linesOf(base, token, model) {
  const source = readFileSync(path.join(ROOT, `demo/models/${model}.js`), 'utf8') + EVERY_FORMAT
  const id = await uploadModel(base, token, { name: model, source, filename: 'box.js', settings: { backendaccess: true } })
  const ticket = await createTicket(base, token, id, { type: 'backend' })
  const { json } = await expectStatus(201, 'POST', `${base}/api/v2/ticket/${ticket}`, { json: {} })
  const lines = []
  for (const one of Object.keys(json.exports)) {
    const { content, msg } = await exported(`${base}/api/v2/session/${json.sessionId}`, one)
    assert.equal(content?.length, 1, `${model}: ${msg}`)
    const { body } = await expectStatus(200, 'GET', content[0].href)
    lines.push(`${model}.${content[0].format} ${body.length} ${createHash('sha256').update(body).digest('hex')}`)
  }
  return lines
}

for (const workers of [1, 3]) {
  test(`every export is the golden one, byte by byte, from ${workers} worker(s)`, async () => {
    const data = await temporaryFolder('golden')
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    const env = { VITRINE_WORKERS: String(workers), VITRINE_LOG: 'warn' }
    const running = new Running(['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--public-url', base], env)
    try {
      await until('the server answers', async () => (await request('GET', `${base}/healthz`)).status === 200, { ms_max: 60_000 })
      const mint = ['jwt', 'mint', '--subject', 'backend', '--scope', '*', '--ttl', '3600', '--data', data]
      const token = (await run(mint)).split('\n').at(-1).trim()
      const found = await Promise.all(MODELS.map((model) => linesOf(base, token, model)))
      assert.deepEqual(found.flat().sort(), GOLDEN.trim().split('\n').sort())
      await running.stop()
    } finally {
      await running.kill()
      await rm(data, { recursive: true, force: true })
    }
  })
}
