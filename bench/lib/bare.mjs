// Yardsticks that serve: bare hyper with the same bytes as ours.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'

/** Starts a program that prints its address and serves until it is killed; `input` goes to its standard input. */
export async function startBare(binary, { args = [], input } = {}) {
  const child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(input ?? '')
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  const address = line.trim()
  return { pid: child.pid, address, port: Number(address.split(':').at(-1)), stop: () => child.kill() }
}

/** One whole answer of a server, byte by byte. */
export function capture(port, head) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(head.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')))
    const chunks = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('end', () => {
      const bytes = Buffer.concat(chunks)
      // What was only said because this connection ends.
      const gap = bytes.indexOf('\r\n\r\n')
      const lines = bytes.toString('latin1', 0, gap).replace(/\r\nconnection: close/i, '')
      resolve(Buffer.concat([Buffer.from(lines, 'latin1'), bytes.subarray(gap)]))
    })
  })
}

/** Bare hyper that answers everything with exactly what ours answers to `head`. */
export async function startTwin(yardstick, port, head) {
  const answer = await capture(port, head)
  return startBare(yardstick('answer_same'), { input: answer })
}
