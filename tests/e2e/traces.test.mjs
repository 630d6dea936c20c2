// Traces as a collector of OpenTelemetry gets them: off by default, a request with the run of its worker in it, and no secret anywhere.

import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { startCollector } from './lib/collector.mjs'
import { expectStatus, request } from './lib/http.mjs'
import { createTicket, uploadModel } from './lib/journey.mjs'
import { freePort, run, Running, temporaryFolder, until } from './lib/server.mjs'

const ROUTE = '/api/v2/session/{sessionId}/output'
const SERVER_KIND = 2

/** A server with these settings, one customization that needs a worker, and the credentials that it took. */
async function customizeOnce(settings, use) {
  const data = await temporaryFolder('traces')
  const config = path.join(data, 'vitrine.toml')
  await writeFile(config, await settings(data))
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const running = new Running(['serve', '--config', config, '--data', data, '--listen', `127.0.0.1:${port}`, '--public-url', base])
  try {
    await until('the server answers', async () => (await request('GET', `${base}/healthz`)).status === 200, { ms_max: 60_000 })
    const mint = ['jwt', 'mint', '--subject', 'backend', '--scope', '*', '--ttl', '3600', '--data', data]
    const token = (await run(mint)).split('\n').at(-1).trim()
    const model = await uploadModel(base, token, { name: 'traced', settings: { backendaccess: true } })
    const ticket = await createTicket(base, token, model, { type: 'backend' })
    const { json } = await expectStatus(201, 'POST', `${base}/api/v2/ticket/${ticket}`, { json: {} })
    const width = Object.values(json.parameters).find(({ name }) => name === 'width').id
    await until('the customization is computed', async () => {
      const answer = await expectStatus(200, 'PUT', `${base}/api/v2/session/${json.sessionId}/output`, { json: { [width]: '77.5' } })
      return Object.values(answer.json.outputs).every(({ delay }) => !delay)
    })
    await use({ running, secrets: { token, ticket, session: json.sessionId } })
  } finally {
    await running.kill()
    await rm(data, { recursive: true, force: true })
  }
}

test('a collector sees a request with its worker inside, and no secret', async () => {
  const collector = await startCollector()
  const settings = (data) => `[telemetry]\nendpoint = "${collector.url}"\nheader_file = "${data}/header"\n`
  const withHeader = async (data) => (await writeFile(path.join(data, 'header'), 'Authorization: Bearer of-the-collector\n'), settings(data))
  try {
    await customizeOnce(withHeader, async ({ running, secrets }) => {
      // A stop sends what waits.
      await running.stop()
      const around = (span) => collector.spans.find(({ id }) => id === span?.parent)
      // Analyses of uploaded files run in workers as well, and belong to no request.
      const worker = collector.spans.find((span) => span.name === 'worker' && around(around(span)))
      assert.ok(worker, `no run of a worker inside of a request among ${collector.spans.map(({ name }) => name).join(', ')}`)
      const computation = around(worker)
      const results = around(computation)
      const asked = around(results)
      assert.equal(results.name, 'results')
      assert.equal(computation.name, 'computation')
      assert.equal(computation.attributes['vitrine.kind'], 'compute')
      assert.equal(asked.name, 'PUT')
      assert.equal(asked.kind, SERVER_KIND)
      assert.equal(asked.attributes['http.route'], ROUTE)
      assert.equal(asked.attributes['http.response.status_code'], 200)
      assert.equal(asked.trace, worker.trace)
      assert.equal(worker.attributes['vitrine.outcome'], 'done')
      assert.ok(worker.attributes['vitrine.triangles'] > 0)
      assert.equal(worker.resource['service.name'], 'vitrine')
      for (const { method, path: where, headers } of collector.requests) {
        assert.equal(`${method} ${where}`, 'POST /v1/traces')
        assert.equal(headers.authorization, 'Bearer of-the-collector')
      }
      const sent = Buffer.concat(collector.bodies)
      for (const [name, secret] of Object.entries(secrets)) assert.ok(!sent.includes(secret), `the ${name} was sent`)
      assert.ok(!sent.includes('77.5'), 'a value was sent')
      assert.equal(collector.spans.reduce((sum, { events }) => sum + events, 0), 0, 'lines of the log were sent')
    })
  } finally {
    collector.stop()
  }
})

test('nothing is sent unless a collector is named, and a collector that is away harms nobody', async () => {
  const collector = await startCollector()
  try {
    await customizeOnce(() => '', ({ running }) => running.stop())
    assert.equal(collector.requests.length, 0)
  } finally {
    collector.stop()
  }
  const nobody = `http://127.0.0.1:${await freePort()}`
  await customizeOnce(() => `[telemetry]\nendpoint = "${nobody}"\n`, ({ running }) => running.stop())
})
