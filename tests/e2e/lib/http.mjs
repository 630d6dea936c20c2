// HTTP with full control over headers: `fetch` and browsers decide about `Origin` themselves, these tests have to.

import http from 'node:http'
import net from 'node:net'

const REQUEST_MS_MAX = 60_000

/**
 * One request. `json` is sent as JSON; a header with a list as its value is sent as many times.
 * @returns {Promise<{status: number, headers: http.IncomingHttpHeaders, body: Buffer, json: any}>}
 */
export function request(method, url, { headers = {}, json, body, token, agent } = {}) {
  const send = { ...headers }
  let payload = body
  if (json !== undefined) {
    payload = Buffer.from(JSON.stringify(json))
    send['content-type'] ??= 'application/json'
  }
  if (payload !== undefined) send['content-length'] = Buffer.byteLength(payload)
  if (token) send.authorization = `Bearer ${token}`
  return new Promise((resolve, reject) => {
    const outgoing = http.request(url, { method, headers: send, agent, timeout: REQUEST_MS_MAX }, (incoming) => {
      const chunks = []
      incoming.on('data', (chunk) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const bytes = Buffer.concat(chunks)
        // A server that is killed in the middle of an answer leaves it short: that is no answer.
        const announced = incoming.headers['content-length']
        if (!incoming.complete || (announced !== undefined && method !== 'HEAD' && Number(announced) !== bytes.length)) {
          reject(new Error(`${method} ${url}: the answer broke off after ${bytes.length} bytes`))
          return
        }
        resolve({ status: incoming.statusCode, headers: incoming.headers, body: bytes, json: parse(incoming, bytes) })
      })
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${url}: no answer within ${REQUEST_MS_MAX} ms`)))
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}

function parse(incoming, bytes) {
  if (!(incoming.headers['content-type'] ?? '').includes('json')) return undefined
  return JSON.parse(bytes.toString('utf8'))
}

/** The same, failing unless the status is the expected one. */
export async function expectStatus(status, method, url, options) {
  const answer = await request(method, url, options)
  if (answer.status !== status) {
    throw new Error(`${method} ${url}: expected ${status}, got ${answer.status}: ${answer.body.toString('utf8').slice(0, 600)}`)
  }
  return answer
}

/**
 * A POST with header lines exactly as given, byte by byte, on a socket of its own.
 * @param {Array<[string, string]>} lines
 */
export async function rawPost(url, lines, body = '{}') {
  const { hostname, port, pathname, host } = new URL(url)
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
  ]
  const bytes = await new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname)
    const chunks = []
    socket.setTimeout(REQUEST_MS_MAX, () => socket.destroy(new Error(`${url}: no answer`)))
    socket.on('error', reject)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => resolve(Buffer.concat(chunks)))
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  })
  return parseRaw(bytes)
}

/** Reads one whole HTTP/1.1 answer, with a length or in chunks. */
export function parseRaw(bytes) {
  const gap = bytes.indexOf('\r\n\r\n')
  if (gap < 0) throw new Error(`this is no HTTP answer: ${bytes.toString('latin1').slice(0, 200)}`)
  const [first, ...lines] = bytes.subarray(0, gap).toString('latin1').split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  let body = bytes.subarray(gap + 4)
  if ((headers['transfer-encoding'] ?? '').toLowerCase() === 'chunked') body = joinChunks(body)
  const text = body.toString('utf8')
  return {
    status: Number(first.split(' ')[1]),
    headers,
    text,
    json: (headers['content-type'] ?? '').includes('json') && text ? JSON.parse(text) : undefined,
  }
}

function joinChunks(bytes) {
  const parts = []
  let at = 0
  for (;;) {
    const line = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.subarray(at, line).toString('latin1'), 16)
    if (!(size > 0)) return Buffer.concat(parts)
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}
