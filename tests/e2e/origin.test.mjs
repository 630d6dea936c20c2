// The origin rule from outside: what a hostile page, a proxy or a script could send in place of an honest Origin header. Each is
// written byte by byte on a socket, because well-behaved clients would not let it out.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { expectStatus, rawPost, request } from './lib/http.mjs'
import { createTicket, originOf } from './lib/journey.mjs'
import { startDemo } from './lib/server.mjs'

const SHOP = 'shop.example'

/** Bytes of UTF-8 written as Latin-1, which is how Node puts header text on the wire. */
const bytes = (text) => Buffer.from(text, 'utf8').toString('latin1')

/** [name, Origin headers, what the refusal has to mention of it (nothing where there is nothing to repeat)] */
const REFUSED = [
  ['a foreign origin', ['https://evil.com'], 'evil.com'],
  ['a sub-domain', ['https://www.shop.example'], 'www.shop.example'],
  ['the parent domain', ['https://example'], 'example'],
  ['another port', ['https://shop.example:8443'], 'shop.example:8443'],
  ['port 80 of https', ['https://shop.example:80'], 'shop.example:80'],
  ['plain http', ['http://shop.example'], 'http://shop.example'],
  ['another scheme', ['ftp://shop.example'], 'shop.example'],
  ['null', ['null'], 'null'],
  ['no origin', []],
  ['an empty origin', ['']],
  ['the shop as a prefix', ['https://shop.example.evil.com'], 'shop.example.evil.com'],
  ['the shop as a suffix', ['https://evilshop.example'], 'evilshop.example'],
  ['the shop as a fragment', ['https://evil.com#shop.example']],
  ['the shop as a query', ['https://evil.com?shop.example']],
  ['the shop as a path', ['https://evil.com/shop.example']],
  ['a trailing slash', ['https://shop.example/']],
  ['user info before the shop', ['https://evil.com@shop.example']],
  ['the shop as user info', ['https://shop.example@evil.com']],
  ['the shop as user info with a password', ['https://shop.example:443@evil.com']],
  ['a backslash', ['https://evil.com\\@shop.example']],
  ['a backslash path', ['https://shop.example\\.evil.com']],
  ['a full-width dot', [bytes('https://shop．example')]],
  ['a full-width letter', [bytes('https://ｓhop.example')]],
  ['a percent-encoded dot', ['https://shop%2eexample']],
  ['a trailing dot', ['https://shop.example.']],
  ['two trailing dots', ['https://shop.example..']],
  ['a comma list, shop first', ['https://shop.example,https://evil.com']],
  ['a comma list, shop last', ['https://evil.com, https://shop.example']],
  ['a list with a blank', ['https://shop.example https://evil.com']],
  ['two headers, shop first', ['https://shop.example', 'https://evil.com']],
  ['two headers, shop last', ['https://evil.com', 'https://shop.example']],
  ['two equal headers', ['https://shop.example', 'https://shop.example']],
  ['a missing scheme', ['shop.example']],
  ['only slashes for a scheme', ['//shop.example']],
  ['one slash after the scheme', ['https:/shop.example']],
  ['an empty host', ['https://']],
  ['a port that is no number', ['https://shop.example:44x']],
  ['an empty port', ['https://shop.example:']],
  ['a port beyond the last', ['https://shop.example:65979']],
  ['a port with a leading zero', ['https://shop.example:0443']],
]

const ACCEPTED = [
  ['as it stands in the list', 'https://shop.example'],
  ['with the host in another case', 'https://SHOP.Example'],
  ['with the scheme in another case', 'HTTPS://shop.example'],
  ['with the default port', 'https://shop.example:443'],
]

/** What a page's own script could add in the hope that it counts. */
const SPOOFED = [['X-ShapeDiver-Origin', 'https://shop.example']]

describe('the origin rule', () => {
  let demo
  let model
  let url
  before(async () => {
    demo = await startDemo()
    model = demo.info.models[1]
    await update({ accessdomains: [SHOP], pub: false })
    const ticket = await createTicket(demo.info.base_url, demo.info.backend_jwt, model.id)
    url = `${demo.info.base_url}/api/v2/ticket/${ticket}`
  })
  after(() => demo?.stop())

  const update = (settings) =>
    expectStatus(200, 'PUT', `${demo.info.base_url}/api/v2/model/${model.id}`, {
      token: demo.info.backend_jwt,
      json: settings,
    })

  /** A refusal that says what was seen and what would help. */
  function check(answer, mention) {
    assert.equal(answer.status, 403, answer.text)
    assert.equal(answer.json.error, 'SdTicketValidationError')
    assert.equal(typeof answer.json.desc, 'string')
    const { message } = answer.json
    // What is no origin at all is called by the name of its header.
    assert.ok(message.includes(mention ?? 'Origin'), `the origin is not named: ${message}`)
    assert.match(message, /allow|use a backend ticket/i, `no remedy: ${message}`)
    assert.equal(answer.headers['access-control-allow-origin'], '*', 'a page could not read why')
  }

  for (const [name, origins, mention] of REFUSED) {
    const lines = origins.map((origin) => ['Origin', origin])
    test(`${name} is refused`, async () => check(await rawPost(url, lines), mention))
    test(`${name} is refused whatever X-ShapeDiver-Origin says`, async () =>
      check(await rawPost(url, [...lines, ...SPOOFED]), mention))
  }

  for (const [name, origin] of ACCEPTED) {
    test(`the shop is accepted ${name}`, async () => {
      const answer = await rawPost(url, [['Origin', origin]])
      assert.equal(answer.status, 201, answer.text)
      assert.match(answer.json.sessionId, /^[0-9a-f]{32}$/)
    })
  }

  test('the shop is accepted although X-ShapeDiver-Origin names somebody else', async () => {
    const answer = await rawPost(url, [['Origin', 'https://shop.example'], ['X-ShapeDiver-Origin', 'https://evil.com']])
    assert.equal(answer.status, 201, answer.text)
  })

  test('header names count in any case, and twice is twice in any case', async () => {
    check(await rawPost(url, [['origin', 'https://shop.example'], ['ORIGIN', 'https://evil.com']]))
    const answer = await rawPost(url, [['oRiGiN', 'https://shop.example']])
    assert.equal(answer.status, 201, answer.text)
  })

  test('the pages of the demo are one allowed and one not', async () => {
    const { base_url, shop_url, stranger_url, models } = demo.info
    const ticket = `${base_url}/api/v2/ticket/${models[0].embedding_ticket}`
    const shop = await rawPost(ticket, [['Origin', originOf(shop_url)]])
    assert.equal(shop.status, 201, shop.text)
    check(await rawPost(ticket, [['Origin', originOf(stranger_url)]]), originOf(stranger_url))
  })

  test('a domain that is removed is refused within a second, and accepted again when it returns', async () => {
    const asShop = () => rawPost(url, [['Origin', 'https://shop.example']])
    await update({ accessdomains: [] })
    check(await asShop(), 'shop.example')
    await update({ accessdomains: [SHOP] })
    assert.equal((await asShop()).status, 201)
  })

  test('entries may name a port, plain http, or exactly one label', async () => {
    await update({ accessdomains: ['shop.example:8443', 'http://intranet.example', '*.customer.example'] })
    const expected = {
      'https://shop.example:8443': 201,
      'https://shop.example': 403,
      'http://intranet.example': 201,
      'https://intranet.example': 403,
      'https://a.customer.example': 201,
      'https://customer.example': 403,
      'https://b.a.customer.example': 403,
    }
    for (const [origin, status] of Object.entries(expected)) {
      const answer = await rawPost(url, [['Origin', origin]])
      assert.equal(answer.status, status, `${origin}: ${answer.text}`)
    }
    await update({ accessdomains: [SHOP] })
  })

  test('a list with an entry that can match nothing, or too much, is refused as a whole', async () => {
    for (const entry of ['*', '*.com', 'https://shop.example/path', 'user@shop.example', 'shop.example#x', 'shop..example', '']) {
      const answer = await request('PUT', `${demo.info.base_url}/api/v2/model/${model.id}`, {
        token: demo.info.backend_jwt,
        json: { accessdomains: [SHOP, entry] },
      })
      assert.equal(answer.status, 400, `the entry "${entry}" was accepted`)
      assert.equal(answer.json.error, 'SdRequestValidationError')
    }
    assert.equal((await rawPost(url, [['Origin', 'https://shop.example']])).status, 201)
  })

  test('a backend ticket needs no origin, an embedding ticket of the same model does', async () => {
    await update({ backendaccess: true })
    const ticket = await createTicket(demo.info.base_url, demo.info.backend_jwt, model.id, { type: 'backend' })
    const answer = await rawPost(`${demo.info.base_url}/api/v2/ticket/${ticket}`, [])
    assert.equal(answer.status, 201, answer.text)
    check(await rawPost(url, []))
  })

  test('strangers learn nothing about the state of a model', async () => {
    await update({ blockingReasons: { owner: true } })
    check(await rawPost(url, [['Origin', 'https://evil.com']]), 'evil.com')
    const shop = await rawPost(url, [['Origin', 'https://shop.example']])
    assert.equal(shop.json.error, 'SdErrorForbidden')
    await update({ blockingReasons: { owner: false } })
  })
})
