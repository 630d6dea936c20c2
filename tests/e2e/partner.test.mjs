// The token service as a partner's back end meets it: plain HTTP against `vitrine demo --json`, on SQLite and PostgreSQL, and
// `vitrine partner` beside the running server.
//
// VITRINE_TEST_POSTGRES the server for the second half

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { postgres } from './lib/database.mjs'
import { request } from './lib/http.mjs'
import { run, startDemo, until } from './lib/server.mjs'

/** The promise: what was withdrawn beside the server is refused by it no later than this after the acknowledgement. */
const ACCEPTED_MS_MAX = 1_000
/** How long to look for that refusal before giving up. */
const WATCH_MS_MAX = 20_000
/** A token that holds for a second is over by then, however busy the machine. */
const EXPIRY_MS_MAX = 30_000
/** Requests that ask for one one-time token at the same moment. */
const CROWD = 50
const SHOP = 'https://shop.example.com'
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

/** A partner's back end. */
class BackEnd {
  constructor(base, key) {
    Object.assign(this, { base, key })
  }

  generate(body = '{"file":"test.dwg","userId":"123"}', headers = {}) {
    return request('POST', `${this.base}/generate`, {
      headers: { 'x-api-key': this.key, 'content-type': 'application/json', ...headers },
      body,
    })
  }

  async token(body, headers) {
    const { status, json, body: text } = await this.generate(body, headers)
    assert.equal(status, 200, text.toString())
    return json.token
  }

  verify(token, headers = {}) {
    return request('GET', `${this.base}/verify`, { headers: { 'x-api-token': token, ...headers } })
  }

  ask(operation, token, headers = { 'x-api-key': this.key }) {
    return request('POST', `${this.base}/oauth/${operation}`, { headers: { ...FORM, ...headers }, body: `token=${encodeURIComponent(token)}` })
  }
}

/** Demands a refusal: 403, JSON, a sentence that holds these words, and nothing that a script could read. */
function refused({ status, headers, json, body }, code, words) {
  assert.equal(status, 403, body.toString())
  assert.equal(json.code, code)
  assert.ok(json.message.includes(words), json.message)
  assert.equal(headers['content-type'], 'application/json')
  closedToScripts(headers)
}

function closedToScripts(headers) {
  const open = Object.keys(headers).filter((name) => name.startsWith('access-control-'))
  assert.deepEqual(open, [], 'no answer of the token service says anything to scripts of other origins')
}

function suite(open) {
  let demo
  let place
  let backEnd
  const cli = (...args) => run(['partner', ...args, ...place])

  before(async () => {
    ;({ demo, place } = await open())
    assert.match(demo.info.partner_key, /^vit_pk_[0-9A-Za-z]{38}$/)
    backEnd = new BackEnd(demo.info.base_url, demo.info.partner_key)
  })

  after(() => demo?.stop())

  test('a key and parameters become a token, and the token becomes the parameters', async () => {
    const { status, headers, json } = await backEnd.generate('{"file": "test.dwg", "userId": "123"}')
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(json), ['token', 'expiration_time'])
    assert.match(json.token, UUID_V4)
    assert.equal(headers['cache-control'], 'no-store')
    closedToScripts(headers)
    const left = json.expiration_time - Date.now() / 1_000
    assert.ok(left > 3_500 && left <= 3_601, `the token holds for ${left} s`)
    for (let time = 0; time < 2; time++) {
      const answer = await backEnd.verify(json.token)
      assert.equal(answer.status, 200)
      assert.equal(answer.body.toString(), '{"file":"test.dwg","userId":"123","auth":"demo"}')
      assert.equal(answer.headers['cache-control'], 'no-store')
      closedToScripts(answer.headers)
    }
  })

  test('values come back equal in type and text, unknown ones too, and auth is ours', async () => {
    const members =
      '"a":1.0,"b":1,"c":-0,"d":1e400,"e":123456789012345678901234567890,"f":true,"g":null,"h":"1","i":"","ключ":"über \\"x\\"","param":"https://a/?b=c"'
    const token = await backEnd.token(`{"auth":"somebody else",${members}}`)
    const { body, json } = await backEnd.verify(token)
    assert.equal(json.auth, 'demo')
    assert.equal(body.toString(), `{${members},"auth":"demo"}`)
    assert.equal((await backEnd.verify(await backEnd.token('{}'))).body.toString(), '{"auth":"demo"}')
  })

  test('a wrong key is refused in a plain sentence', async () => {
    const { key } = backEnd
    refused(await request('POST', `${backEnd.base}/generate`, { json: {} }), 'partner-key-missing', 'Missing api key')
    for (const wrong of ['', 'wrong', key.slice(0, -1), `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`]) {
      refused(await backEnd.generate('{}', { 'x-api-key': wrong }), 'partner-key-invalid', 'Wrong api key')
    }
  })

  test('a wrong token is refused in a plain sentence', async () => {
    refused(await request('GET', `${backEnd.base}/verify`), 'editor-token-missing', 'Wrong token')
    for (const wrong of ['', 'wrong', '00000000-0000-4000-8000-000000000000', backEnd.key]) {
      refused(await backEnd.verify(wrong), 'editor-token-invalid', 'Wrong token')
    }
  })

  test('a body that is not one flat object of a bounded size is refused', async () => {
    const many = JSON.stringify(Object.fromEntries(Array.from({ length: 101 }, (_, number) => [`m${number}`, number])))
    for (const [body, words] of [
      ['', 'not a JSON object'],
      ['[]', 'not a JSON object'],
      ['"text"', 'not a JSON object'],
      ['{"a":{}}', 'not a flat JSON object'],
      ['{"a":[1]}', 'not a flat JSON object'],
      ['{"a":1,"a":2}', 'twice'],
      [many, '100 members'],
    ]) {
      refused(await backEnd.generate(body), 'request-invalid', words)
    }
    const large = await backEnd.generate(JSON.stringify({ a: 'x'.repeat(32_768) }))
    refused(large, 'too-large', '32768 bytes')
    assert.equal(large.headers.connection, 'close', 'a body that was not read ends the connection, and the client is told')
  })

  test('a token is good until its end and not after it', async () => {
    const { json } = await backEnd.generate('{}', { 'x-token-lifetime': '1' })
    const { answer, before_ms } = await until(
      'the token is over',
      async () => {
        const before_ms = Date.now()
        const answer = await backEnd.verify(json.token)
        return answer.status !== 200 && { answer, before_ms }
      },
      { ms_max: EXPIRY_MS_MAX },
    )
    refused(answer, 'editor-token-expired', 'Wrong token')
    assert.ok(Date.now() >= json.expiration_time * 1_000, `refused at ${before_ms}, good until ${json.expiration_time} s`)
    refused(await backEnd.generate('{}', { 'x-token-lifetime': '86401' }), 'request-invalid', 'seconds')
  })

  test('a one-time token is good once', async () => {
    const token = await backEnd.token('{"n":1}', { 'x-token-one-time': 'true' })
    assert.equal((await backEnd.ask('introspect', token)).json.one_time, true)
    assert.equal((await backEnd.verify(token)).body.toString(), '{"n":1,"auth":"demo"}')
    refused(await backEnd.verify(token), 'editor-token-used', 'Wrong token')
    assert.deepEqual((await backEnd.ask('introspect', token)).json, { active: false })
  })

  test('a one-time token is good for exactly one of many that ask at the same moment', async () => {
    const token = await backEnd.token('{}', { 'x-token-one-time': 'true' })
    const answers = await Promise.all(Array.from({ length: CROWD }, () => backEnd.verify(token)))
    const [good, ...bad] = answers.sort((a, b) => a.status - b.status)
    assert.equal(good.status, 200)
    for (const answer of bad) refused(answer, 'editor-token-used', 'Wrong token')
  })

  test('browsers may not verify, and no page learns anything', async () => {
    const token = await backEnd.token()
    for (const headers of [{ origin: SHOP }, { origin: 'null' }, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }]) {
      refused(await backEnd.verify(token, headers), 'browser-refused', 'back end')
    }
    closedToScripts((await backEnd.generate('{}', { origin: SHOP })).headers)
    for (const [method, where] of [
      ['POST', '/generate'],
      ['GET', '/verify'],
      ['POST', '/oauth/introspect'],
    ]) {
      const preflight = await request('OPTIONS', backEnd.base + where, {
        headers: { origin: SHOP, 'access-control-request-method': method, 'access-control-request-headers': 'x-api-key' },
      })
      assert.equal(preflight.status, 405)
      closedToScripts(preflight.headers)
    }
  })

  test('introspection and revocation take the key in both forms and tell others nothing', async () => {
    const token = await backEnd.token()
    const basic = { authorization: `Basic ${Buffer.from(`demo:${backEnd.key}`).toString('base64')}` }
    for (const headers of [undefined, basic]) {
      const { status, json } = await backEnd.ask('introspect', token, headers)
      assert.equal(status, 200)
      const { exp, iat, ...facts } = json
      assert.deepEqual(facts, { active: true, client_id: 'demo', token_type: 'editor_token', sub: '123', one_time: false })
      assert.ok(exp - iat === 3_600 || exp - iat === 3_601, `${exp - iat} s`)
    }
    const anonymous = await backEnd.ask('introspect', token, {})
    assert.equal(anonymous.status, 401)
    assert.equal(anonymous.json.error, 'invalid_client')
    const other = JSON.parse(await cli('create', 'Another'))
    const stranger = new BackEnd(backEnd.base, other.key.secret)
    assert.deepEqual((await stranger.ask('introspect', token)).json, { active: false })
    assert.equal((await stranger.ask('revoke', token)).status, 200)
    assert.equal((await backEnd.verify(token)).status, 200)
    for (let time = 0; time < 2; time++) assert.equal((await backEnd.ask('revoke', token, basic)).status, 200)
    assert.deepEqual((await backEnd.ask('introspect', token)).json, { active: false })
    refused(await backEnd.verify(token), 'editor-token-revoked', 'Wrong token')
  })

  /** Asks until it is refused, and demands that this was soon after the command had said that it was done. */
  async function refusedSoon(ask, code, words) {
    const acknowledged = Date.now()
    let last_good = acknowledged
    const answer = await until(
      `${code} beside the running server`,
      async () => {
        const asked = Date.now()
        const answer = await ask()
        if (answer.status === 200) last_good = asked
        return answer.status !== 200 && answer
      },
      { ms_max: WATCH_MS_MAX, every_ms: 20 },
    )
    refused(answer, code, words)
    assert.ok(last_good - acknowledged <= ACCEPTED_MS_MAX, `accepted ${last_good - acknowledged} ms after it was withdrawn`)
  }

  test('what the command line withdraws is refused by the running server within a second', async () => {
    const made = JSON.parse(await cli('create', 'Acme CAD', '--app-id', 'acme', '--origin', 'shop.example.com'))
    assert.equal(made.app_id, 'acme')
    const first = new BackEnd(backEnd.base, made.key.secret)
    const second = new BackEnd(backEnd.base, JSON.parse(await cli('key', 'rotate', 'acme', '--overlap', '3600')).secret)
    const [one, two, three] = [await first.token(), await first.token('{"userId":9}'), await second.token('{}')]
    for (const token of [one, two, three]) assert.equal((await first.verify(token)).status, 200)

    await cli('token', 'revoke', one)
    await refusedSoon(() => first.verify(one), 'editor-token-revoked', 'Wrong token')
    await cli('token', 'revoke', '--partner', 'acme', '--user', '9')
    await refusedSoon(() => first.verify(two), 'editor-token-revoked', 'Wrong token')

    const kept = await first.token('{}')
    const lost = JSON.parse(await cli('key', 'list', 'acme')).find(({ id }) => id === made.key.id)
    assert.equal(lost.ends_with, made.key.secret.slice(-4))
    await cli('key', 'revoke', 'acme', lost.id)
    await refusedSoon(() => first.generate('{}'), 'partner-key-revoked', 'Wrong api key')
    await refusedSoon(() => first.verify(kept), 'editor-token-revoked', 'Wrong token')
    assert.equal((await second.verify(three)).status, 200, "another key's tokens stay")

    await cli('set', 'acme', '--require-key-on-verify', 'true')
    await refusedSoon(() => second.verify(three), 'partner-key-missing', 'Missing api key')
    assert.equal((await second.verify(three, { 'x-api-key': second.key })).status, 200)
    await cli('set', 'acme', '--require-key-on-verify', 'false', '--blocked', 'true')
    await refusedSoon(() => second.generate('{}'), 'partner-blocked', 'blocked')
    refused(await second.verify(three), 'partner-blocked', 'blocked')
    await cli('set', 'acme', '--blocked', 'false')
    await until('the block is gone', async () => (await second.verify(three)).status === 200, { ms_max: WATCH_MS_MAX })
  })

  test('no key, token or parameter stands in the log of the server', async () => {
    const token = await backEnd.token('{"file":"unheard-of.dxf"}')
    for (const answer of [await backEnd.verify(token), await backEnd.ask('revoke', token)]) assert.equal(answer.status, 200)
    refused(await backEnd.verify(token), 'editor-token-revoked', 'Wrong token')
    for (const secret of [token, backEnd.key, 'unheard-of']) assert.ok(!demo.running.log.includes(secret), 'a secret stands in the log')
  })
}

describe('the token service on SQLite', () => {
  suite(async () => {
    const demo = await startDemo()
    return { demo, place: ['--data', demo.data] }
  })
})

const SERVER = process.env.VITRINE_TEST_POSTGRES

describe('the token service on PostgreSQL', { skip: SERVER ? false : 'VITRINE_TEST_POSTGRES names no server' }, () => {
  let database
  suite(async () => {
    database = await postgres(SERVER, `vitrine_partner_${process.pid}_${Date.now()}`)
    const demo = await startDemo({ args: ['--database', database.url] })
    return { demo, place: ['--data', demo.data, '--database', database.url] }
  })
  after(() => database?.drop())
})
