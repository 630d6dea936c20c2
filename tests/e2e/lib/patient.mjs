// A server that accidents happen to, and the clients that use it meanwhile: each notes in the ledger what it asks for and what was
// acknowledged.

import assert from 'node:assert/strict'
import http from 'node:http'
import { expectStatus, request } from './http.mjs'
import { createTicket, digits14, uploadModel, BOX_FILENAME, BOX_SOURCE } from './journey.mjs'
import { Ledger, sha256 } from './ledger.mjs'
import { run, Running, until } from './server.mjs'

const START_MS_MAX = 60_000

/** A small seeded generator (mulberry32): enough to vary what happens, the same for the same seed. */
export function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** One server that comes back on the same data, and what is known about it. */
export class Patient {
  constructor(database, data, port, env = {}) {
    Object.assign(this, { database, data, env, base: `http://127.0.0.1:${port}`, ledger: new Ledger() })
    this.where = ['--data', data, '--database', database.url]
    this.serve = ['serve', ...this.where, '--listen', `127.0.0.1:${port}`, '--public-url', this.base]
  }

  async start() {
    this.running = new Running(this.serve, this.env)
    await until(
      'the server answers after its start',
      async () => {
        if (this.running.how) throw new Error(`the server ended at once\n${this.running.tail()}`)
        return (await request('GET', `${this.base}/healthz`)).status === 200
      },
      { ms_max: START_MS_MAX, every_ms: 20 },
    )
  }

  cli(...args) {
    return run([...args, ...this.where])
  }

  /** A model, a ticket and what a client has to know of them; the token lives for `ttl_s` seconds. */
  async prepare(ttl_s = 3600) {
    this.token = (await this.cli('jwt', 'mint', '--subject', 'backend', '--scope', '*', '--ttl', String(ttl_s))).split('\n').at(-1).trim()
    this.box = await uploadModel(this.base, this.token, { name: 'crash box', settings: { backendaccess: true } })
    // Far above what a run costs: what counts here are the totals.
    for (const per of ['day', 'month']) await this.cli('cap', 'set', `model:${this.box}`, '--per', per, '--credits', '1000000000')
    this.until = digits14(new Date(Date.now() + ttl_s * 1000))
    this.ticket = await createTicket(this.base, this.token, this.box, { type: 'backend', until: this.until })
    const { json } = await expectStatus(201, 'POST', `${this.base}/api/v2/ticket/${this.ticket}`, { json: {} })
    this.width = Object.values(json.parameters).find(({ name }) => name === 'width').id
    this.output = Object.values(json.outputs).find(({ content }) => content?.some(({ format }) => format === 'glb')).id
    this.geometry = async (value) => {
      this.reader ??= (await expectStatus(201, 'POST', `${this.base}/api/v2/ticket/${this.ticket}`, { json: {} })).json.sessionId
      const result = await computed(this.base, this.reader, this.output, { [this.width]: value })
      const { href } = result.content.find(({ format }) => format === 'glb')
      return { version: result.version, body: (await expectStatus(206, 'GET', href)).body }
    }
    this.stl = Object.values(json.exports).find(({ name }) => /stl/i.test(name)).id
  }

  /** A ticket that is revoked on the command line, beside the running server. */
  async revokeOne() {
    const ticket = await createTicket(this.base, this.token, this.box, { type: 'backend', until: this.until })
    this.ledger.tickets.set(ticket, 'revoking')
    await this.cli('ticket', 'revoke', ticket)
    this.ledger.tickets.set(ticket, 'revoked')
  }
}

/** Polls a customization until it is done, as clients do. */
export async function computed(base, session, output, values) {
  return until(
    'the customization is computed',
    async () => {
      const { json } = await expectStatus(200, 'PUT', `${base}/api/v2/session/${session}/output`, { json: values })
      return !json.outputs[output].delay && json.outputs[output]
    },
    { ms_max: START_MS_MAX },
  )
}

/** The requests of one client. Each notes what it sends before and what was acknowledged after. */
export class Client {
  constructor(patient, random, number) {
    Object.assign(this, { patient, random, number, ledger: patient.ledger, models: 0, sessions: [], own: undefined })
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  }

  call(method, path_, options = {}) {
    return request(method, `${this.patient.base}/api/v2${path_}`, { agent: this.agent, ...options })
  }

  pick() {
    const dice = this.random()
    if (this.sessions.length === 0 || dice < 0.2) return this.open()
    if (dice < 0.6) return this.customize()
    if (dice < 0.72) return this.export()
    if (dice < 0.86) return this.close()
    return this.own ? this.rename() : this.createModel()
  }

  async open() {
    const { status, json } = await this.call('POST', `/ticket/${this.patient.ticket}`, { json: {} })
    if (status !== 201) throw unexpected('open', status, json)
    this.ledger.opened(json.sessionId, ['output', 'export'])
    this.sessions.push(json.sessionId)
  }

  session() {
    return this.sessions[Math.floor(this.random() * this.sessions.length)]
  }

  /** A width, so often the same that most results are there already. */
  value() {
    return (1 + Math.floor(this.random() * 40) / 2).toFixed(1)
  }

  async customize() {
    const id = this.session()
    const { width, output } = this.patient
    const value = this.value()
    const acknowledged = this.ledger.charging(id, 'output')
    const { status, json } = await this.call('PUT', `/session/${id}/output`, { json: { [width]: value } })
    if (status !== 200) throw unexpected('customize', status, json)
    acknowledged()
    const result = json.outputs[output]
    const known = this.ledger.versions.get(value)
    if (known) assert.equal(result.version, known, `width ${value} has another version than before`)
    this.ledger.versions.set(value, result.version)
    const hash = await this.fetch(id, result, 'glb')
    if (hash) this.ledger.hashes.set(value, hash)
  }

  async export() {
    const id = this.session()
    const { width, stl } = this.patient
    const value = this.value()
    const acknowledged = this.ledger.charging(id, 'export')
    const { status, json } = await this.call('PUT', `/session/${id}/export`, {
      json: { parameters: { [width]: value }, exports: [stl] },
    })
    if (status !== 200) throw unexpected('export', status, json)
    acknowledged()
    await this.fetch(id, json.exports[stl], 'stl')
  }

  /** Remembers the bytes of what was computed; pending and failed results promise nothing. */
  async fetch(session, result, format) {
    const item = result.content?.find((entry) => entry.format === format)
    if (!item) return undefined
    const { status, body } = await request('GET', item.href, { agent: this.agent })
    if (status !== (format === 'glb' ? 206 : 200)) throw unexpected('download', status, body.toString())
    const hash = sha256(body)
    this.ledger.assets.set(item.href, { hash, kind: format, session })
    return hash
  }

  async close(at = Math.floor(this.random() * this.sessions.length)) {
    const [id] = this.sessions.splice(at, 1)
    const session = this.ledger.sessions.get(id)
    session.state = 'closing'
    const { status, json } = await this.call('POST', `/session/${id}/close`)
    if (status !== 200) throw unexpected('close', status, json)
    session.state = 'closed'
  }

  async createModel() {
    const { token } = this.patient
    const name = `model ${this.number}.${this.models++}`
    const model = { labels: new Set([name]), label: name }
    this.ledger.models.set(name, model)
    const created = await this.call('POST', '/model', { token, json: { name, filename: BOX_FILENAME } })
    if (created.status !== 200) throw unexpected('create', created.status, created.json)
    model.id = created.json.model.id
    this.own = model
    const body = Buffer.from(`${BOX_SOURCE}// ${name}\n`)
    const headers = { 'content-type': 'application/octet-stream' }
    const put = await request('PUT', created.json.file.upload, { body, headers, agent: this.agent })
    if (put.status !== 200) throw unexpected('upload', put.status, put.json)
    model.uploaded = true
  }

  async rename() {
    const name = `${this.own.label.split(' #')[0]} #${this.own.labels.size}`
    this.own.labels.add(name)
    const { status, json } = await this.call('PUT', `/model/${this.own.id}`, { token: this.patient.token, json: { name } })
    if (status !== 200) throw unexpected('rename', status, json)
    this.own.label = name
    if (this.random() < 0.3) this.own = undefined
  }
}

/** An answer that was none of those that the request may have. */
export class Unexpected extends Error {
  constructor(what, status, body) {
    super(`${what} answered ${status}: ${JSON.stringify(body)?.slice(0, 500)}`)
    this.status = status
  }
}
export const unexpected = (...answer) => new Unexpected(...answer)
