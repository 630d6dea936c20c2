// The mixed load of a soak: visitors who behave, a vandal whose models never end, strangers without a credential, a partner's tokens.

import assert from 'node:assert/strict'
import http from 'node:http'
import { request } from '../http.mjs'
import { Client, generator, unexpected, Unexpected } from '../patient.mjs'

/** A visitor has so many sessions at most, and none longer than this: what is open does not grow. */
const SESSIONS_MAX = 6
const SESSION_MS_MAX = 240_000
/** Of so many computations, one has values that nobody has asked for before. */
const FRESH_EVERY = 12
const WIDTH_MAX = 1000

/** A model that is honest with `mode` 0 and hostile with the others; `seed` keeps results from being remembered. */
export const VANDAL_SOURCE = `const { cuboid } = require('@jscad/modeling').primitives
function getParameterDefinitions() {
  return [
    { name: 'mode', type: 'int', initial: 0, min: 0, max: 3 },
    { name: 'seed', type: 'int', initial: 0, min: 0, max: 100000000 },
  ]
}
function main({ mode, seed }) {
  if (mode === 1) while (true) {}
  if (mode === 2) { const hoard = []; while (true) hoard.push(new Array(10000).fill(seed)) }
  if (mode === 3) { const deeper = (n) => deeper(n + 1) + 1; return deeper(seed) }
  return cuboid({ size: [10 + (seed % 10), 10, 10] })
}
module.exports = { main, getParameterDefinitions }
`

/** A client that keeps few sessions and makes few models, so that it can go on for hours. */
export class Visitor extends Client {
  constructor(...of) {
    super(...of)
    this.opened_at = new Map()
    this.fresh = 0
  }

  pick() {
    const dice = this.random()
    const [oldest] = this.sessions
    if (oldest && Date.now() - (this.opened_at.get(oldest) ?? 0) > SESSION_MS_MAX) return this.close(0)
    if (this.sessions.length === 0 || (dice < 0.12 && this.sessions.length < SESSIONS_MAX)) return this.open()
    if (dice < 0.7) return this.customize()
    if (dice < 0.82) return this.export()
    if (dice < 0.99) return this.sessions.length > 1 ? this.close() : this.customize()
    return this.own ? this.rename() : this.createModel()
  }

  async open() {
    await super.open()
    this.opened_at.set(this.sessions.at(-1), Date.now())
  }

  value() {
    if (this.random() * FRESH_EVERY >= 1) return super.value()
    this.fresh += 1
    return Math.min(WIDTH_MAX, 20.5 + (this.number * 450 + this.fresh) / 2).toFixed(1)
  }
}

/** Computes what never ends, or takes all there is, and expects to be told so; then something honest of the same model. */
export class Vandal {
  constructor(patient, random) {
    Object.assign(this, { patient, random, seed: 0, refused: 0 })
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  }

  async pick() {
    this.seed += 1
    const mode = 1 + (this.seed % 3)
    const failed = await this.compute(mode)
    assert.ok(failed.status_computation && failed.status_computation !== 'success', `a hostile computation was answered with ${JSON.stringify(failed)}`)
    this.refused += 1
    const honest = await this.compute(0)
    // A worker may have been killed in the middle of this one: then it says so.
    assert.ok(honest.content?.length > 0 || honest.msg, JSON.stringify(honest))
  }

  async compute(mode) {
    const { base, vandal } = this.patient
    const opened = await request('POST', `${base}/api/v2/ticket/${vandal}`, { json: {}, agent: this.agent })
    if (opened.status !== 201) throw unexpected('open', opened.status, opened.json)
    const { sessionId, parameters, outputs } = opened.json
    const id = (name) => Object.values(parameters).find((parameter) => parameter.name === name).id
    const values = { [id('mode')]: String(mode), [id('seed')]: String(this.seed) }
    try {
      for (;;) {
        const { status, json } = await request('PUT', `${base}/api/v2/session/${sessionId}/output`, { json: values, agent: this.agent })
        if (status !== 200) throw unexpected('compute', status, json)
        const output = json.outputs[Object.keys(outputs)[0]]
        if (!output.delay) return output
        await new Promise((resolve) => setTimeout(resolve, output.delay))
      }
    } finally {
      await request('POST', `${base}/api/v2/session/${sessionId}/close`, { agent: this.agent })
    }
  }
}

/** Refusals, each of which is a line of the audit trail. */
export class Stranger {
  constructor(patient, random) {
    Object.assign(this, { patient, random })
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  }

  async pick() {
    const { base, ticket, box } = this.patient
    const dice = Math.floor(this.random() * 3)
    const [status, json] = await [
      async () => this.answer(401, 'GET', `${base}/api/v2/model/${box}`, { headers: { authorization: 'Bearer not.a.token' } }),
      async () => this.answer(403, 'POST', `${base}/api/v2/ticket/${ticket.slice(0, -2)}00`, { json: {} }),
      async () => this.answer(410, 'GET', `${base}/api/v2/session/${'0'.repeat(32)}/default`),
    ][dice]()
    if (status) throw unexpected('a refusal', status, json)
  }

  async answer(expected, method, url, options) {
    const { status, json } = await request(method, url, { agent: this.agent, ...options })
    return status === expected || (expected === 403 && status === 400) ? [] : [status, json]
  }
}

/** Tokens of the drawing editor, one after the other. */
export class Partner {
  constructor(tokens) {
    this.tokens = tokens
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  }

  pick() {
    return this.tokens.one(this.agent)
  }
}

/** Lets somebody act again and again with pauses of about `pause_ms()`, until the returned function is called. */
export function keepGoing(somebody, { pause_ms, random = generator(1), onDone, onError }) {
  let going = true
  let wake
  const work = (async () => {
    while (going) {
      try {
        await somebody.pick()
        onDone()
      } catch (error) {
        onError(error, error instanceof Unexpected || error instanceof assert.AssertionError)
      }
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, pause_ms() * (0.5 + random()))
        wake = () => (clearTimeout(timer), resolve())
      })
    }
  })()
  return async () => {
    going = false
    wake?.()
    await work
  }
}
