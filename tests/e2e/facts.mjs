// Measures what the project promises of a small server, on this machine, with the binary in VITRINE_BIN (best the release
// build): time to the first answer on existing data, memory of server and workers at rest, time of a cached customization at
// the server. Prints figures; asserts nothing, because a busy machine is no fault of the code.

import http from 'node:http'
import { readFileSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { BINARY, freePort, run, Running, temporaryFolder, until } from './lib/server.mjs'
import { expectStatus, request } from './lib/http.mjs'
import { createTicket, uploadModel } from './lib/journey.mjs'

const STARTS = 20
const REQUESTS = 500
/** What a server needs to come to rest after work: idle workers stay, buffers and pages are given back. */
const REST_MS = 3000

const sorted = (numbers) => [...numbers].sort((a, b) => a - b)
const quantile = (numbers, share) => sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))]
const figures = (numbers) =>
  `median ${quantile(numbers, 0.5).toFixed(2)}, 95 % under ${quantile(numbers, 0.95).toFixed(2)}, worst ${quantile(numbers, 1).toFixed(2)}`

/** Proportional memory of a process and all below it, in MiB, and how many processes that is. */
function memory(root) {
  const parents = new Map()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // it has ended meanwhile
    }
  }
  const below = (pid) => pid === root || (parents.has(pid) && parents.get(pid) !== 0 && below(parents.get(pid)))
  const family = [...parents.keys()].filter(below)
  const each = family.map((pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)[1]) / 1024
  })
  return { mib: each.reduce((sum, value) => sum + value, 0), processes: each.length, each }
}

/** Milliseconds from the start of the process to the first answer of /healthz. */
async function timeToFirstAnswer(serve, base) {
  const started = performance.now()
  const running = new Running(serve)
  for (;;) {
    try {
      const { status } = await request('GET', `${base}/healthz`)
      if (status === 200) return { running, ms: performance.now() - started }
    } catch {
      if (running.how) throw new Error(running.tail())
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

const data = await temporaryFolder('facts')
const port = await freePort()
const base = `http://127.0.0.1:${port}`
const serve = ['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--public-url', base]
console.log(`binary: ${BINARY} (${await run(['--version'])})`)

let { running } = await timeToFirstAnswer(serve, base)
const token = (await run(['jwt', 'mint', '--subject', 'backend', '--scope', '*', '--ttl', '3600', '--data', data])).split('\n').at(-1).trim()
const model = await uploadModel(base, token, { name: 'facts', settings: { backendaccess: true } })
const ticket = await createTicket(base, token, model, { type: 'backend' })
await running.stop()

const starts = []
for (let round = 0; round < STARTS; round++) {
  const start = await timeToFirstAnswer(serve, base)
  starts.push(start.ms)
  running = start.running
  if (round < STARTS - 1) await running.stop()
}
console.log(`first answer after process start on existing data, ms (${STARTS} starts): ${figures(starts)}`)

await new Promise((resolve) => setTimeout(resolve, REST_MS))
const fresh = memory(running.pid)
console.log(`idle after the start: ${fresh.mib.toFixed(1)} MiB (PSS) in ${fresh.processes} processes`)

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
const { json: session } = await expectStatus(201, 'POST', `${base}/api/v2/ticket/${ticket}`, { json: {} })
const { id: width } = Object.values(session.parameters).find(({ name }) => name === 'width')
const customize = () =>
  expectStatus(200, 'PUT', `${base}/api/v2/session/${session.sessionId}/output`, { agent, json: { [width]: '12.5' } })
await until('the customization is computed', async () => Object.values((await customize()).json.outputs).every(({ delay }) => !delay))
/** What the server's own log says of requests to one route, in milliseconds. */
const logged = () =>
  [...running.log.matchAll(/route="\/api\/v2\/session\/\{sessionId\}\/output" status=200 duration_us=(\d+)/g)].map(([, us]) => us / 1000)
const runs = () => running.log.split('a worker ran').length - 1

const client = []
const before_count = logged().length
const before_runs = runs()
for (let count = 0; count < REQUESTS; count++) {
  const started = performance.now()
  await customize()
  client.push(performance.now() - started)
}
await until('the log is complete', () => logged().length >= before_count + REQUESTS)
const server = logged().slice(before_count)
console.log(`cached customization, ms, seen by a client on this machine (${REQUESTS} requests): ${figures(client)}`)
console.log(`cached customization, ms, by the server's own log: ${figures(server)}`)
console.log(`workers that ran for these requests, by the log: ${runs() - before_runs}`)

await new Promise((resolve) => setTimeout(resolve, REST_MS))
const worked = memory(running.pid)
console.log(`idle after work, workers warm: ${worked.mib.toFixed(1)} MiB (PSS) in ${worked.processes} processes: ${worked.each.map((mib) => mib.toFixed(1)).join(' + ')}`)

agent.destroy()
await running.stop()
await rm(data, { recursive: true, force: true })
