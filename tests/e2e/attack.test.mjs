// Attacks below the level of HTTP libraries: requests that two parsers would read differently, headers that stand there twice,
// clients that are slow on purpose. Every byte is written by hand.

import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, describe, test } from 'node:test'
import { expectStatus, parseRaw, request } from './lib/http.mjs'
import { originOf } from './lib/journey.mjs'
import { startDemo, until } from './lib/server.mjs'

/** Enough for the server's own limit on headers, and for a busy machine. */
const ANSWER_MS_MAX = 40_000
/** Connections that send one byte now and then. */
const SLOW_CLIENTS = 300
const SMUGGLED = '/api/v2/smuggled'

let demo
let base
let session
before(async () => {
  demo = await startDemo()
  base = new URL(demo.info.base_url)
  const opened = await expectStatus(201, 'POST', `${base.origin}/api/v2/ticket/${demo.info.models[0].embedding_ticket}`, {
    headers: { origin: originOf(demo.info.shop_url) },
    json: {},
  })
  session = opened.json.sessionId
})
after(() => demo?.stop())

const connect = () => net.connect(Number(base.port), base.hostname)

/** Writes bytes and collects what comes back until the server closes or stays silent. */
function exchange(text, { silent_ms = 1_500 } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect()
    const chunks = []
    let closed = false
    const finish = () => {
      clearTimeout(quiet)
      socket.destroy()
      resolve({ text: Buffer.concat(chunks).toString('latin1'), closed })
    }
    let quiet = setTimeout(finish, ANSWER_MS_MAX)
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      clearTimeout(quiet)
      quiet = setTimeout(finish, silent_ms)
    })
    socket.on('end', () => {
      closed = true
      finish()
    })
    socket.on('error', (error) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? finish() : reject(error)))
    socket.write(Buffer.from(text, 'latin1'))
  })
}

/** The status of each answer in what came back. */
const statuses = (text) => [...text.matchAll(/(?:^|\r\n|\})HTTP\/1\.1 (\d{3})/g)].map((found) => Number(found[1]))

const hidden = `GET ${SMUGGLED} HTTP/1.1\r\nHost: x\r\n\r\n`

/** [name, the bytes]: each is ambiguous, and hides a second request in what one of two readers takes for a body. */
const AMBIGUOUS = [
  ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked'], `0\r\n\r\n${hidden}`],
  ['chunks and a length', ['Transfer-Encoding: chunked', `Content-Length: ${5 + hidden.length}`], `0\r\n\r\n${hidden}`],
  ['two lengths', ['Content-Length: 2', `Content-Length: ${2 + hidden.length}`], `{}${hidden}`],
  ['a list of lengths', [`Content-Length: 2, ${2 + hidden.length}`], `{}${hidden}`],
  ['a length with a sign', ['Content-Length: +2'], `{}${hidden}`],
  ['a negative length', ['Content-Length: -1'], hidden],
  ['a length in hexadecimal', ['Content-Length: 0x2'], `{}${hidden}`],
  ['a length beyond 64 bits', ['Content-Length: 18446744073709551618'], `{}${hidden}`],
  ['an unknown coding', ['Transfer-Encoding: xchunked'], `0\r\n\r\n${hidden}`],
  ['identity and chunks', ['Transfer-Encoding: identity, chunked', 'Content-Length: 5'], `0\r\n\r\n${hidden}`],
  ['chunks that are not last', ['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${hidden}`],
  ['a blank before the colon', ['Transfer-Encoding : chunked', 'Content-Length: 2'], `{}${hidden}`],
  ['a folded header', ['X-A: b\r\n Transfer-Encoding: chunked', 'Content-Length: 2'], `{}${hidden}`],
  ['a bare line feed between headers', ['X-A: b\nTransfer-Encoding: chunked', 'Content-Length: 2'], `{}${hidden}`],
  ['a bare carriage return in a header', ['X-A: b\rTransfer-Encoding: chunked', 'Content-Length: 2'], `{}${hidden}`],
  ['a zero byte in a header', ['X-A: b\0c', 'Content-Length: 2'], `{}${hidden}`],
  ['a chunk size beyond 64 bits', ['Transfer-Encoding: chunked'], `10000000000000002\r\n{}\r\n0\r\n\r\n${hidden}`],
  ['a chunk size with a sign', ['Transfer-Encoding: chunked'], `+2\r\n{}\r\n0\r\n\r\n${hidden}`],
  ['a chunk that is longer than it says', ['Transfer-Encoding: chunked'], `2\r\n{}{}\r\n0\r\n\r\n${hidden}`],
]

describe('ambiguous requests', () => {
  for (const [name, lines, body] of AMBIGUOUS) {
    test(`${name}: refused, or read in one way only and nothing after it`, async () => {
      const head = [`PUT /api/v2/session/${session}/output/cache HTTP/1.1`, `Host: ${base.host}`, 'Content-Type: application/json', ...lines]
      const { text, closed } = await exchange(`${head.join('\r\n')}\r\n\r\n${body}`)
      const answers = statuses(text)
      assert.ok(answers.length <= 1, `the hidden request was answered: ${answers}`)
      assert.ok(!text.includes(SMUGGLED), 'the hidden request was read')
      assert.ok(answers.every((status) => status < 500), `${answers}`)
      assert.ok(closed || answers.length === 1, 'the connection hangs')
    })
  }

  test('requests in one packet are answered in order, each by itself', async () => {
    const one = (path) => `GET ${path} HTTP/1.1\r\nHost: ${base.host}\r\n\r\n`
    const { text } = await exchange(one('/healthz') + one('/api/v2/nothing') + one('/healthz'))
    assert.deepEqual(statuses(text), [200, 404, 200])
  })

  test('the session is as usable as before', async () => {
    await expectStatus(200, 'GET', `${base.origin}/api/v2/session/${session}/default`)
  })
})

describe('headers that stand there twice', () => {
  const model = () => `/api/v2/model/${demo.info.models[0].id}`
  const get = async (path, lines) =>
    parseRaw(Buffer.from((await exchange(`${[`GET ${path} HTTP/1.1`, `Host: ${base.host}`, ...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`)).text, 'latin1'))

  test('one token is read, two are refused, in whatever order and case', async () => {
    const good = demo.info.model_jwt
    assert.equal((await get(model(), [`Authorization: Bearer ${good}`])).status, 200)
    for (const pair of [
      [`Authorization: Bearer ${good}`, 'Authorization: Bearer x'],
      ['Authorization: Bearer x', `Authorization: Bearer ${good}`],
      [`Authorization: Bearer ${good}`, `authorization: Bearer ${good}`],
      [`Authorization: Bearer ${good}`, `AUTHORIZATION: Basic eDp5`],
      [`Authorization: Bearer ${good}, Bearer ${good}`],
      [`Authorization: Bearer  ${good} x`],
    ]) {
      const answer = await get(model(), pair)
      assert.equal(answer.status, 401, `${pair.map((line) => line.slice(0, 24))}: ${answer.text}`)
    }
  })

  test('two hosts are refused or change nothing', async () => {
    const answer = await get(`/api/v2/session/${session}/default`, ['Host: evil.example'])
    assert.ok(!answer.text.includes('evil.example'), 'links are made from what the client sent')
  })

  test('hosts and forwarded headers of strangers make no links', async () => {
    for (const line of ['X-Forwarded-Host: evil.example', 'Forwarded: host=evil.example;proto=https', 'X-Original-URL: /evil', 'X-Forwarded-Prefix: /evil']) {
      const answer = await get(`/api/v2/session/${session}/default`, [line])
      assert.equal(answer.status, 200, answer.text)
      assert.ok(!answer.text.includes('evil'), line)
    }
  })

  test('no header turns one method into another', async () => {
    for (const line of ['X-HTTP-Method-Override: DELETE', 'X-HTTP-Method: PUT', 'X-Method-Override: POST']) {
      const answer = await get(`/api/v2/session/${session}/close`, [line])
      assert.equal(answer.status, 405, `${line}: ${answer.text}`)
    }
    await expectStatus(200, 'GET', `${base.origin}/api/v2/session/${session}/default`)
  })

  test('too many and too long headers are refused', async () => {
    const many = Array.from({ length: 500 }, (_, number) => `X-${number}: a`)
    const first = await exchange(`${['GET /healthz HTTP/1.1', `Host: ${base.host}`, ...many].join('\r\n')}\r\n\r\n`)
    assert.deepEqual(statuses(first.text), [431])
    const long = `X-Long: ${'a'.repeat(200_000)}`
    const second = await exchange(`${['GET /healthz HTTP/1.1', `Host: ${base.host}`, long].join('\r\n')}\r\n\r\n`)
    assert.ok(statuses(second.text).every((status) => status === 431), second.text.slice(0, 100))
  })
})

describe('paths that mean something else to somebody', () => {
  const FORMS = [
    '/api/v2/../../etc/passwd',
    '/api/v2/session/../model/list',
    '/api/v2/session/%2e%2e/model/list',
    '/api/v2/model/list%00',
    '/api/v2/model%2flist',
    '/api/v2/model/list;x=y',
    '/api/v2/%6dodel/list',
    '/viewer/../../../Cargo.toml',
    '/viewer/%2e%2e/%2e%2e/Cargo.toml',
    '/viewer/..%5c..%5cCargo.toml',
    '/embed/..%2f..%2fetc%2fpasswd',
    'http://evil.example/api/v2/model/list',
    '//evil.example/api/v2/model/list',
    '/\\evil.example/',
  ]
  for (const form of FORMS) {
    test(`${form} opens nothing`, async () => {
      const { text } = await exchange(`GET ${form} HTTP/1.1\r\nHost: ${base.host}\r\nConnection: close\r\n\r\n`)
      const [status] = statuses(text)
      assert.ok(status >= 400 && status < 500, `${status}: ${text.slice(0, 300)}`)
      assert.ok(!/^location:/im.test(text), 'nobody is sent elsewhere')
    })
  }
})

// The two take their time side by side: the server's patience is what they wait for.
describe('clients that are slow on purpose', { concurrency: true }, () => {
  test('hundreds of them hold nobody up, and are put out', async () => {
    const slow = Array.from({ length: SLOW_CLIENTS }, () => {
      const socket = connect()
      socket.ended = new Promise((resolve) => {
        socket.on('close', resolve)
        socket.on('error', () => {})
        socket.on('data', () => {})
      })
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n')
      return socket
    })
    const dribble = setInterval(() => slow.forEach((socket) => socket.writable && socket.write('X-A: b\r\n')), 2_000)
    try {
      for (let round = 0; round < 20; round += 1) {
        const answer = await request('GET', `${base.origin}/api/v2/session/${session}/default`)
        assert.equal(answer.status, 200, answer.body.toString())
      }
      let gone = 0
      slow.forEach((socket) => socket.ended.then(() => (gone += 1)))
      await until('slow clients are put out', () => gone === SLOW_CLIENTS, { ms_max: ANSWER_MS_MAX })
    } finally {
      clearInterval(dribble)
      slow.forEach((socket) => socket.destroy())
    }
  })

  test('a body that never comes is given up', async () => {
    const started = connect()
    const ended = new Promise((resolve) => {
      started.on('close', resolve)
      started.on('error', () => {})
      started.on('data', () => {})
    })
    started.write(`PUT /api/v2/session/${session}/output HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`)
    const answer = await Promise.race([ended.then(() => 'closed'), new Promise((resolve) => setTimeout(resolve, 90_000, 'still open').unref())])
    started.destroy()
    assert.equal(answer, 'closed')
  })
})
