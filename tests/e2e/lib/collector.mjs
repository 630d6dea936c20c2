// A collector of traces: takes OTLP over HTTP (protobuf) and keeps the spans.

import { once } from 'node:events'
import http from 'node:http'

/** The fields of a protobuf message: number -> values, in order. Messages, texts and bytes are buffers, the rest numbers. */
function fields(bytes) {
  const found = new Map()
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const kind = tag & 7
    let value
    if (kind === 0) value = varint()
    else if (kind === 1) value = bytes.readBigUInt64LE((at += 8) - 8)
    else if (kind === 5) value = BigInt(bytes.readUInt32LE((at += 4) - 4))
    else {
      const length = Number(varint())
      value = bytes.subarray(at, (at += length))
    }
    found.set(tag >> 3, [...(found.get(tag >> 3) ?? []), value])
  }
  return found
}

const text = (bytes) => bytes?.toString('utf8') ?? ''

function attribute(bytes) {
  const pair = fields(bytes)
  const [value] = pair.get(2) ?? []
  const [[kind, [inner]] = [0, [undefined]]] = value ? [...fields(value)] : []
  return [text(pair.get(1)?.[0]), kind === 1 ? text(inner) : Number(inner)]
}

const attributes = (message, number) => Object.fromEntries((message.get(number) ?? []).map(attribute))

function spansOf(body) {
  return (fields(body).get(1) ?? []).flatMap((of_resource) => {
    const group = fields(of_resource)
    const resource = attributes(fields(group.get(1)?.[0] ?? Buffer.alloc(0)), 1)
    return (group.get(2) ?? []).flatMap((scope) =>
      (fields(scope).get(2) ?? []).map((bytes) => {
        const span = fields(bytes)
        const hex = (number) => span.get(number)?.[0]?.toString('hex') ?? ''
        return { trace: hex(1), id: hex(2), parent: hex(4), name: text(span.get(5)?.[0]), kind: Number(span.get(6)?.[0] ?? 0), events: span.get(11)?.length ?? 0, attributes: attributes(span, 9), resource }
      }),
    )
  })
}

/** @returns {Promise<{url: string, spans: any[], requests: any[], bodies: Buffer[], stop: () => void}>} */
export async function startCollector() {
  const collected = { spans: [], requests: [], bodies: [] }
  const server = http.createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      collected.requests.push({ method: request.method, path: request.url, headers: request.headers })
      collected.bodies.push(body)
      collected.spans.push(...spansOf(body))
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(collected, {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => server.closeAllConnections() ?? server.close(),
  })
}
