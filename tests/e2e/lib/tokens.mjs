// Editor tokens under a server that dies: what was acknowledged, and the check that it still holds. A request that was under
// way when the server died may have happened or not; one that was answered must have.

import assert from 'node:assert/strict'
import http from 'node:http'
import { request } from './http.mjs'
import { loadUntilKilled } from './load.mjs'

const CONNECTIONS = 64
/** Of so many tokens, one is for one use and is used at once, and one is revoked at once. */
const ONE_TIME_EVERY = 16
const REVOKED_EVERY = 17
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

/** How a token may answer after a restart, by what is known of it. */
const POSSIBLE = {
  good: ['good'],
  using: ['good', 'editor-token-used'],
  used: ['editor-token-used'],
  revoking: ['good', 'editor-token-revoked'],
  revoked: ['editor-token-revoked'],
}

/** Seconds by which server and test may see time apart. */
const CLOCKS_APART_S = 1
/** Seconds that an answer may be under way. */
const VERIFYING_S = 30

export class Tokens {
  constructor(base, key, app_id) {
    Object.assign(this, { base, key, app_id, sent: 0 })
    /** token -> {answer: what verifying gives, state} */
    this.known = new Map()
  }

  /** Clients on as many connections, until `count` more tokens are acknowledged; `kill` then comes in the middle of the next ones. */
  load(count, kill) {
    const goal = this.known.size + count
    return loadUntilKilled({ connections: CONNECTIONS, count: () => this.known.size, goal, one: (agent) => this.one(agent), kill })
  }

  async one(agent) {
    const number = this.sent++
    const one_time = number % ONE_TIME_EVERY === 0
    const members = `"file":"drawing ${number}.dwg","userId":"${number % 100}","scale":1.0,"n":${number}`
    const headers = { 'x-api-key': this.key, 'content-type': 'application/json', 'x-token-one-time': String(one_time) }
    const { status, json, body } = await request('POST', `${this.base}/generate`, { headers, body: `{${members}}`, agent })
    assert.equal(status, 200, body.toString())
    const entry = { answer: `{${members},"auth":"${this.app_id}"}`, state: 'good', one_time, ends_s: json.expiration_time }
    assert.ok(!this.known.has(json.token), 'a token was given twice')
    this.known.set(json.token, entry)
    if (one_time) {
      entry.state = 'using'
      assert.equal(await this.verified(json.token, entry, agent), 'good')
      entry.state = 'used'
    } else if (number % REVOKED_EVERY === 0) {
      entry.state = 'revoking'
      const options = { headers: { ...FORM, 'x-api-key': this.key }, body: `token=${json.token}`, agent }
      assert.equal((await request('POST', `${this.base}/oauth/revoke`, options)).status, 200)
      entry.state = 'revoked'
    }
  }

  /** `good`, or the code of the refusal. */
  async verified(token, { answer }, agent) {
    const { status, json, body } = await request('GET', `${this.base}/verify`, { headers: { 'x-api-token': token }, agent })
    if (status !== 200) return json?.code ?? `${status} ${body}`
    assert.equal(body.toString(), answer)
    return 'good'
  }

  /** Asks for all tokens from the `from`th on. */
  async verify(from = 0) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS })
    const left = [...this.known].slice(from)
    const work = Array.from({ length: CONNECTIONS }, async () => {
      for (let next = left.pop(); next; next = left.pop()) {
        const [token, entry] = next
        const found = await this.verified(token, entry, agent)
        // A long run outlives its first tokens.
        if (found === 'editor-token-expired') {
          assert.ok(Date.now() / 1000 >= entry.ends_s - CLOCKS_APART_S, `a token expired ${entry.ends_s - Date.now() / 1000} s too early`)
          continue
        }
        assert.ok(Date.now() / 1000 <= entry.ends_s + VERIFYING_S, 'a token was good after its end')
        assert.ok(POSSIBLE[entry.state].includes(found), `a token that was ${entry.state} answers ${found}`)
        // What was not answered before the crash is decided now, or by the verification of a one-time token itself.
        if (entry.one_time) entry.state = 'used'
        else if (found === 'editor-token-revoked') entry.state = 'revoked'
      }
    })
    await Promise.all(work)
    agent.destroy()
  }

  counts() {
    const of = (state) => [...this.known.values()].filter((entry) => entry.state === state).length
    return { tokens: this.known.size, good: of('good'), used: of('used'), revoked: of('revoked') }
  }
}
