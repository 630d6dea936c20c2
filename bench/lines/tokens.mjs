// What access tokens cost a server: the same two requests with an opaque session, with a token that it has seen before, and with one
// that it has never seen; beside them the bare verification of the same signatures.

import { execFileSync } from 'node:child_process'
import { expectStatus } from '../../tests/e2e/lib/http.mjs'
import { cpuNs, pin } from '../lib/cpu.mjs'
import { load } from '../lib/load.mjs'
import { interleave, median, ratios } from '../lib/rounds.mjs'
import { openSession, startVitrine } from '../lib/vitrine.mjs'

const CONNECTIONS = 16
/** The server has the first core for itself, as far as others leave it alone; this process takes the second. */
const [SERVER_CORE, OWN_CORE] = [0, 1]
/** Repeated over one session, first-seen over one session and raw verification; the same with /authorize, without sessions. */
const TARGET = 1.3
/** Output of the minting program. */
const TOKENS_BYTES_MAX = 256 << 20

export const name = 'tokens'
export const about = 'CPU of a request with an access token, beside an opaque session and raw aws-lc-rs verification'

/** Nanoseconds of CPU for one bare verification. */
function verifySignatures(program, keys, tokens) {
  const pinned = pin.command(SERVER_CORE, [program, keys])
  return Number(execFileSync(pinned[0], pinned.slice(1), { input: tokens.join('\n'), encoding: 'utf8' }))
}

/** @param {{yardstick: (name: string) => string, rounds: number, requests: number}} options */
export async function measure({ yardstick, rounds, requests }) {
  // Whatever a log costs falls on both sides and would make tokens look cheap.
  const vitrine = await startVitrine({ log: 'file' })
  try {
    const { port, model, data, base } = vitrine
    const { sessionId: session } = await openSession(vitrine)
    const keys = JSON.stringify((await expectStatus(200, 'GET', `${base}/.well-known/jwks.json`)).json)
    // Workers have nothing to do and come and go: the server itself is what is measured.
    const { pid } = vitrine
    pin.process(SERVER_CORE, pid)
    pin.process(OWN_CORE, process.pid)

    // Two contenders take fresh ones, in every round and in the one that warms up; one more is repeated.
    const count = 2 * (rounds + 1) * requests + 1
    const now = String(Math.floor(Date.now() / 1000))
    const minted = execFileSync(yardstick('mint_tokens'), [data, model, String(count), now], {
      encoding: 'utf8',
      maxBuffer: TOKENS_BYTES_MAX,
    })
    const tokens = minted.trimEnd().split('\n')
    const repeated = tokens.pop()
    const sample = tokens.slice(0, requests)

    const call = `GET /api/v2/session/${session}/default HTTP/1.1\r\nHost: bench.example\r\n`
    const ask = `GET /authorize?model=${model}&permission=cache.output.get.* HTTP/1.1\r\nHost: bench.example\r\nX-Original-Method: GET\r\nX-Original-URI: /file.bin\r\n`
    const bearer = (token) => `Authorization: Bearer ${token}\r\n`
    const contender = (head, status) => async () => {
      const before = cpuNs([pid])
      await load({ port, head, status, count: requests, connections: CONNECTIONS })
      return Number(cpuNs([pid]) - before) / requests / 1000
    }
    const costs = await interleave(
      {
        session: contender(`${call}\r\n`, 200),
        repeated: contender(`${call}${bearer(repeated)}\r\n`, 200),
        first: contender(() => `${call}${bearer(tokens.pop())}\r\n`, 200),
        raw: async () => verifySignatures(yardstick('verify_signatures'), keys, sample) / 1000,
        askSession: contender(`${ask}X-Vitrine-Session: ${session}\r\n\r\n`, 204),
        askRepeated: contender(`${ask}${bearer(repeated)}\r\n`, 204),
        askFirst: contender(() => `${ask}${bearer(tokens.pop())}\r\n`, 204),
      },
      rounds,
    )
    const us = (contender) => median(costs[contender])
    const against = (...contenders) => ({ ...ratios(costs, ...contenders), target: TARGET })
    return {
      unit: 'CPU µs',
      cost: {
        'defaults, session alone': us('session'),
        'defaults, repeated token': us('repeated'),
        'defaults, first-seen token': us('first'),
        '/authorize, session': us('askSession'),
        '/authorize, repeated token': us('askRepeated'),
        '/authorize, first-seen token': us('askFirst'),
        'raw ES256 verification': us('raw'),
      },
      ratios: {
        'defaults: repeated over session': against('repeated', 'session'),
        'defaults: first over session and raw': against('first', 'session', 'raw'),
        '/authorize: repeated over session': against('askRepeated', 'askSession'),
        '/authorize: first over session and raw': against('askFirst', 'askSession', 'raw'),
      },
    }
  } finally {
    await vitrine.stop()
  }
}
