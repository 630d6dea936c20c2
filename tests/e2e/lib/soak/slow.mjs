// Clients that take their time, on purpose or over a bad line: each holds one connection for as long as the server lets it.

import net from 'node:net'

/** Between two bytes of somebody who dribbles. */
const DRIBBLE_MS = 1000
/** So many requests on one connection that nobody reads the answers of: more than the buffers of a socket hold. */
const UNREAD_REQUESTS = 400

const STYLES = {
  /** Says nothing at all. */
  silent() {},
  /** A head that never ends. */
  head(socket) {
    socket.write('GET /healthz HTTP/1.1\r\nHost: slow.example\r\nX-Slow: ')
    return setInterval(() => socket.write('a'), DRIBBLE_MS)
  },
  /** A body that comes one byte a second. */
  body(socket, session) {
    socket.write(`PUT /api/v2/session/${session}/output HTTP/1.1\r\nHost: slow.example\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{`)
    return setInterval(() => socket.write(' '), DRIBBLE_MS)
  },
  /** Asks and asks and never reads. */
  deaf(socket, session) {
    socket.pause()
    for (let n = 0; n < UNREAD_REQUESTS; n++) socket.write(`GET /api/v2/session/${session}/default HTTP/1.1\r\nHost: slow.example\r\n\r\n`)
  },
}

export const SLOW_STYLES = Object.keys(STYLES)

/** One such client; resolves with the seconds after which the server had enough, or fails after `ms_max`. */
export function slowClient(port, style, session, ms_max) {
  const started = Date.now()
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1')
    let dribble
    const end = (settle, value) => {
      clearInterval(dribble)
      clearTimeout(enough)
      socket.destroy()
      settle(value)
    }
    const enough = setTimeout(() => end(reject, new Error(`a slow client (${style}) was still served after ${ms_max} ms`)), ms_max)
    socket.on('connect', () => {
      dribble = STYLES[style](socket, session)
      // Whether the server closed can be seen only by who reads, or by a write that fails.
      if (style === 'deaf') dribble = setInterval(() => socket.write('\r\n'), DRIBBLE_MS)
      else socket.resume()
    })
    for (const over of ['error', 'end', 'close']) socket.on(over, () => end(resolve, (Date.now() - started) / 1000))
  })
}
