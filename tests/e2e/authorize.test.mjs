// The example of deploy/nginx with a real nginx in front of a folder: who gets the file, who does not, and how fast that changes.

import assert from 'node:assert/strict'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, before, describe, test } from 'node:test'
import { expectStatus, request } from './lib/http.mjs'
import { createTicket, uploadModel } from './lib/journey.mjs'
import { adapted, startNginx } from './lib/nginx.mjs'
import { freePort, run, Running, temporaryFolder, until } from './lib/server.mjs'

const EXAMPLE = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../deploy/nginx/files.conf')
const PAGE = 'https://shop.example'
const STRANGER = 'https://stranger.example'
const CONTENT = 'only for visitors of the lamp'
/** A revocation has to count within a second. */
const REVOKED_MS_MAX = 1000

describe('nginx asks Vitrine before it serves a file', () => {
  let data
  let files
  let vitrine
  let nginx
  let url
  let base
  let lamp
  let shelf
  let token

  before(async () => {
    data = await temporaryFolder('authorize')
    files = await temporaryFolder('files')
    await chmod(files, 0o755)
    await writeFile(path.join(files, 'drawing.txt'), CONTENT)
    const [vitrinePort, nginxPort] = [await freePort(), await freePort()]
    base = `http://127.0.0.1:${vitrinePort}`
    vitrine = new Running(['serve', '--data', data, '--listen', `127.0.0.1:${vitrinePort}`, '--public-url', base], {
      VITRINE_TRUSTED_PROXIES: '["127.0.0.1"]',
    })
    await until('the server answers', async () => (await request('GET', `${base}/healthz`)).status === 200, { ms_max: 60_000 })
    token = (await cli('jwt', 'mint', '--subject', 'backend', '--scope', '*', '--ttl', '3600')).split('\n').at(-1).trim()
    const settings = { accessdomains: ['shop.example'] }
    lamp = await uploadModel(base, token, { name: 'lamp', settings })
    shelf = await uploadModel(base, token, { name: 'shelf', settings })
    const example = adapted(await readFile(EXAMPLE, 'utf8'), [
      ['server 127.0.0.1:8080;', `server 127.0.0.1:${vitrinePort};`],
      ['listen 8081;', `listen 127.0.0.1:${nginxPort};`],
      ['root /srv/files;', `root ${files};`],
      ['00000000-0000-4000-8000-000000000000', lamp],
    ])
    nginx = await startNginx({ port: nginxPort, http: () => example })
    url = `http://127.0.0.1:${nginxPort}/drawing.txt`
  })

  after(async () => {
    await nginx?.stop()
    await vitrine?.stop()
    for (const folder of [data, files]) if (folder) await rm(folder, { recursive: true, force: true })
  })

  const cli = (...args) => run([...args, '--data', data])

  /** A ticket of a model and a session that it opened. */
  async function opened(model) {
    const ticket = await createTicket(base, token, model)
    const answer = await expectStatus(201, 'POST', `${base}/api/v2/ticket/${ticket}`, { headers: { origin: PAGE } })
    return { ticket, session: answer.json.sessionId }
  }

  async function expectAnswer(status, reason, headers, method = 'GET') {
    const answer = await request(method, url, { headers })
    const seen = { status: answer.status, reason: answer.headers['x-vitrine-reason'] }
    assert.deepEqual(seen, { status, reason }, `${method} ${JSON.stringify(headers)}\n${nginx.log()}`)
    assert.equal(answer.headers['www-authenticate'] !== undefined, status === 401)
    return answer
  }

  const byHeader = (session) => ({ 'x-vitrine-session': session })
  const byCookie = (session) => ({ cookie: `vitrine_session=${session}` })

  test('a session of the right model gets the file, by header and by cookie', async () => {
    const { session } = await opened(lamp)
    for (const headers of [byHeader(session), byCookie(session)]) {
      const answer = await expectAnswer(200, undefined, headers)
      assert.equal(answer.body.toString(), CONTENT)
      assert.equal(answer.headers['cache-control'], 'private')
      assert.ok(!JSON.stringify(answer.headers).includes(session))
    }
  })

  test('a token and a ticket of the right model get the file too', async () => {
    const { ticket } = await opened(lamp)
    await expectAnswer(200, undefined, { authorization: `Bearer ${token}` })
    await expectAnswer(200, undefined, { 'x-vitrine-ticket': ticket, origin: PAGE })
    await expectAnswer(403, 'origin-not-allowed', { 'x-vitrine-ticket': ticket, origin: STRANGER })
  })

  test('nothing, nonsense and another model get nothing', async () => {
    const { session } = await opened(shelf)
    await expectAnswer(401, 'credential-missing', {})
    await expectAnswer(401, 'session-gone', byHeader('0'.repeat(32)))
    await expectAnswer(401, 'token-invalid', { authorization: 'Bearer a.b.c' })
    await expectAnswer(403, 'wrong-model', byHeader(session))
    await expectAnswer(403, 'wrong-model', byCookie(session))
    await expectAnswer(403, 'credential-unclear', { 'x-vitrine-session': [session, session] })
  })

  test('what a client says in place of the proxy does not count', async () => {
    const { session } = await opened(shelf)
    await expectAnswer(403, 'wrong-model', {
      ...byHeader(session),
      'x-vitrine-model': shelf,
      'x-vitrine-permission': 'cache.output.get.*',
      'x-original-uri': '/other',
      'x-forwarded-method': 'GET',
    })
    const own = await opened(lamp)
    const lie = { ...byCookie(own.session), 'x-original-method': 'GET', origin: STRANGER }
    await expectAnswer(403, 'origin-not-allowed', lie, 'POST')
    // The location of the question is nobody's to ask for.
    const hidden = await request('GET', new URL('/_vitrine', url).href, { headers: byHeader(own.session) })
    assert.equal(hidden.status, 404)
  })

  test('a cookie and POST need a page of the model, and then reach the server behind', async () => {
    const { session } = await opened(lamp)
    await expectAnswer(403, 'origin-not-allowed', { ...byCookie(session), origin: STRANGER }, 'POST')
    await expectAnswer(403, 'origin-missing', byCookie(session), 'POST')
    // It may pass; a folder takes no POST.
    await expectAnswer(405, undefined, { ...byCookie(session), origin: PAGE }, 'POST')
    await expectAnswer(405, undefined, byHeader(session), 'POST')
  })

  test('a revoked ticket ends its session within a second', async () => {
    const { ticket, session } = await opened(lamp)
    await expectAnswer(200, undefined, byHeader(session))
    await cli('ticket', 'revoke', ticket)
    await until(
      'the session is refused',
      async () => (await request('GET', url, { headers: byHeader(session) })).status === 401,
      { ms_max: REVOKED_MS_MAX, every_ms: 20 },
    )
    await expectAnswer(401, 'session-gone', byHeader(session))
    await expectAnswer(401, 'ticket-revoked', { 'x-vitrine-ticket': ticket, origin: PAGE })
  })

  test('a server that is gone lets nobody pass', async () => {
    const { session } = await opened(lamp)
    await vitrine.stop()
    const answer = await request('GET', url, { headers: byHeader(session) })
    assert.equal(answer.status, 500)
    assert.ok(!answer.body.includes(CONTENT))
    vitrine = undefined
  })
})
