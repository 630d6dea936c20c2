// Requests over kept connections, the same one again and again or each with something of its own. Its own cost is not measured, so it only has to be fast enough.

import net from 'node:net'

/**
 * Sends `count` requests over `connections` sockets; every answer must have the status and the length of the first.
 * `head` is the head of all requests, or makes the next one.
 */
export async function load({ port, head, status, count, connections }) {
  let left = count
  const one = () =>
    new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.setNoDelay(true)
      let length
      let held = Buffer.alloc(0)
      const next = () => {
        if (left <= 0) {
          socket.end(resolve)
          return
        }
        left -= 1
        held = Buffer.alloc(0)
        socket.write(typeof head === 'function' ? head() : head)
      }
      socket.on('connect', next)
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the server closed a connection that was in use')))
      socket.on('data', (bytes) => {
        held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
        length ??= lengthOf(held)
        if (length === undefined || held.length < length) return
        if (Number(held.toString('latin1', 9, 12)) !== status || held.length !== length) {
          reject(new Error(`expected ${status} and ${length} bytes: ${held.toString('latin1', 0, 400)}`))
          socket.destroy()
          return
        }
        next()
      })
    })
  await Promise.all(Array.from({ length: connections }, one))
}

/** Bytes of a whole answer, as soon as its head is there. */
function lengthOf(bytes) {
  const gap = bytes.indexOf('\r\n\r\n')
  if (gap < 0) return undefined
  if (bytes.toString('latin1', 9, 12) === '204') return gap + 4
  const announced = /\r\ncontent-length: (\d+)\r\n/i.exec(bytes.toString('latin1', 0, gap + 2))
  if (!announced) throw new Error(`an answer without a length: ${bytes.toString('latin1', 0, 400)}`)
  return gap + 4 + Number(announced[1])
}
