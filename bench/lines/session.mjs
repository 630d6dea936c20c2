// What a session costs: its two warm requests, beside bare hyper that sends the same bytes and beside a route of ours that asks for nothing.

import { startTwin } from '../lib/bare.mjs'
import { cpuNs, pin } from '../lib/cpu.mjs'
import { load } from '../lib/load.mjs'
import { interleave, median, ratios } from '../lib/rounds.mjs'
import { openSession, startVitrine } from '../lib/vitrine.mjs'

const CONNECTIONS = 16
/** Servers have the first core for themselves, as far as others leave it alone; this process takes the second. */
const [SERVER_CORE, OWN_CORE] = [0, 1]
/** Over bare hyper with the same bytes, and over our own unauthenticated route. */
const [TARGET_HYPER, TARGET_OPEN] = [1.8, 1.25]

export const name = 'session'
export const about = 'CPU of a request that a session authorises, beside bare hyper with the same bytes and an open route of ours'

/** @param {{yardstick: (name: string) => string, rounds: number, requests: number}} options */
export async function measure({ yardstick, rounds, requests }) {
  const vitrine = await startVitrine()
  const started = [vitrine]
  try {
    const { port, model, pid } = vitrine
    const { sessionId } = await openSession(vitrine)
    const host = 'Host: bench.example\r\n'
    const heads = {
      // The whole path through the router, and the largest answer of a session.
      defaults: `GET /api/v2/session/${sessionId}/default HTTP/1.1\r\n${host}\r\n`,
      // The decision and nothing else.
      decision: `GET /authorize?model=${model}&permission=cache.output.get.* HTTP/1.1\r\n${host}X-Vitrine-Session: ${sessionId}\r\n\r\n`,
      open: `GET /.well-known/jwks.json HTTP/1.1\r\n${host}\r\n`,
    }
    const status = { defaults: 200, decision: 204, open: 200 }
    pin.process(SERVER_CORE, pid)
    pin.process(OWN_CORE, process.pid)
    const contenders = {}
    for (const [place, head] of Object.entries(heads)) {
      const twin = await startTwin(yardstick, port, head)
      started.push(twin)
      pin.process(SERVER_CORE, twin.pid)
      for (const [who, server] of [['ours', { pid, port }], ['hyper', twin]]) {
        contenders[`${place}, ${who}`] = async () => {
          const before = cpuNs([server.pid])
          await load({ port: server.port, head, status: status[place], count: requests, connections: CONNECTIONS })
          return Number(cpuNs([server.pid]) - before) / requests / 1000
        }
      }
    }
    const costs = await interleave(contenders, rounds)
    const over = (above, below, target) => ({ ...ratios(costs, above, below), target })
    return {
      unit: 'CPU µs per request',
      cost: Object.fromEntries(Object.entries(costs).map(([who, all]) => [who, median(all)])),
      ratios: {
        'decision over bare hyper': over('decision, ours', 'decision, hyper', TARGET_HYPER),
        'decision over open route': over('decision, ours', 'open, ours', TARGET_OPEN),
        'defaults over bare hyper': over('defaults, ours', 'defaults, hyper', TARGET_HYPER),
        'defaults over open route': over('defaults, ours', 'open, ours', TARGET_OPEN),
        'open route over bare hyper': ratios(costs, 'open, ours', 'open, hyper'),
      },
    }
  } finally {
    for (const { stop } of started.reverse()) await stop()
  }
}
