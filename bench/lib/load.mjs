// Requests over kept connections, the same one again and again or each with something of its own. Its own cost is not measured, so it only has to be fast enough.

import net from 'node:net'

/**
 * Sends `count` requests over `connections` sockets; every answer must have the status, and the length of the first unless `varied`.
 * `head` is the head (and body) of all requests, or makes the next one. `onAnswer` gets the bytes of each answer.
 * @returns {Promise<number>} milliseconds from the first request to the last answer
 */
export async function load({ port, host = '127.0.0.1', head, status, count, connections, varied = false, onAnswer }) {
  let left = count
  const one = () =>
    new Promise((resolve, reject) => {
      const socket = net.connect(port, host)
      socket.setNoDelay(true)
      let usual // bytes of every answer
      let length // bytes of this one
      let got = 0
      let first // its beginning, with the whole head
      const next = () => {
        if (left <= 0) {
          socket.end(resolve)
          return
        }
        left -= 1
        length = usual
        got = 0
        first = undefined
        socket.write(typeof head === 'function' ? head() : head)
      }
      socket.on('connect', next)
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the server closed a connection that was in use')))
      socket.on('data', (bytes) => {
        got += bytes.length
        // Large bodies are counted, not kept.
        if (first === undefined) first = bytes
        else if (length === undefined || onAnswer) first = Buffer.concat([first, bytes])
        length ??= lengthOf(first)
        if (!varied) usual ??= length
        if (length === undefined || got < length) return
        if (Number(first.toString('latin1', 9, 12)) !== status || got !== length) {
          reject(new Error(`expected ${status} and ${length} bytes: ${first.toString('latin1', 0, 400)}`))
          socket.destroy()
          return
        }
        onAnswer?.(first)
        next()
      })
    })
  const began = performance.now()
  // A process that sleeps is woken at the expense of whoever answers it, on virtual machines by several microseconds. It would be the slower
  // servers that pay, because this process waits for them and not they for it: so it never sleeps.
  let running = true
  const stayAwake = () => running && setImmediate(stayAwake)
  stayAwake()
  try {
    await Promise.all(Array.from({ length: connections }, one))
  } finally {
    running = false
  }
  return performance.now() - began
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
