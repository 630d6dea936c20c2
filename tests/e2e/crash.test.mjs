// Kills the server and its workers as a power cut would, again and again, in the middle of work, and checks after each restart
// that everything acknowledged is there, nothing is there twice, and no half-written file is served.
//
// VITRINE_CRASH_ROUNDS  kills per database (20)
// VITRINE_CRASH_SEED    replays the same order of requests and delays (the timing of the machine stays its own)
// VITRINE_TEST_POSTGRES the server for the second half

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import http from 'node:http'
import { describe, test } from 'node:test'
import { postgres, sqlite } from './lib/database.mjs'
import { expectStatus, request } from './lib/http.mjs'
import { createTicket, uploadModel, BOX_FILENAME, BOX_SOURCE } from './lib/journey.mjs'
import { Ledger, sha256, verify, verifyConfirmed } from './lib/ledger.mjs'
import { freePort, run, Running, temporaryFolder, until } from './lib/server.mjs'
import { Tokens } from './lib/tokens.mjs'

const ROUNDS = Number(process.env.VITRINE_CRASH_ROUNDS ?? 20)
const SEED = Number(process.env.VITRINE_CRASH_SEED ?? Date.now() % 1_000_000)
const CLIENTS = 6
/** Load runs this long, at random, before the kill. */
const LOAD_MS = [40, 900]
const START_MS_MAX = 60_000
/** Workers whose server is gone have to notice it by their closed pipe. */
const ORPHAN_MS_MAX = 10_000
/** So many editor tokens are acknowledged in a round, at random, before the kill: 10,000 in 20 rounds. */
const TOKENS = [500, 700]

/** A small seeded generator (mulberry32): enough to vary what happens, the same for the same seed. */
function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Process ids of the children of a process. */
function childrenOf(pid) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return Number(parent) === pid && state !== 'Z'
      } catch {
        return false
      }
    })
    .map(Number)
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** True until a process has ended; one that has ended and was not yet collected counts as ended. */
function alive(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2)[0])
  } catch {
    return false
  }
}

/** One server that comes back on the same data, and what is known about it. */
class Patient {
  constructor(database, data, port) {
    Object.assign(this, { database, data, base: `http://127.0.0.1:${port}`, ledger: new Ledger() })
    this.where = ['--data', data, '--database', database.url]
    this.serve = ['serve', ...this.where, '--listen', `127.0.0.1:${port}`, '--public-url', this.base]
  }

  async start() {
    this.running = new Running(this.serve)
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

  async prepare() {
    this.token = (await this.cli('jwt', 'mint', '--subject', 'backend', '--scope', '*', '--ttl', '3600')).split('\n').at(-1).trim()
    this.box = await uploadModel(this.base, this.token, { name: 'crash box', settings: { backendaccess: true } })
    // Far above what a run costs: what counts here are the totals.
    for (const per of ['day', 'month']) await this.cli('cap', 'set', `model:${this.box}`, '--per', per, '--credits', '1000000000')
    this.ticket = await createTicket(this.base, this.token, this.box, { type: 'backend' })
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
}

/** Polls a customization until it is done, as clients do. */
async function computed(base, session, output, values) {
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
class Client {
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

  async customize() {
    const id = this.session()
    const { width, output } = this.patient
    const value = (1 + Math.floor(this.random() * 40) / 2).toFixed(1)
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
    const value = (1 + Math.floor(this.random() * 40) / 2).toFixed(1)
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

  async close() {
    const [id] = this.sessions.splice(Math.floor(this.random() * this.sessions.length), 1)
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

class Unexpected extends Error {}
const unexpected = (what, status, body) => new Unexpected(`${what} answered ${status}: ${JSON.stringify(body)?.slice(0, 500)}`)

/** Lets the clients work until the server is gone; a wrong answer before that is a failure. */
function load(clients) {
  let going = true
  const work = clients.map(async (client) => {
    while (going) {
      try {
        await client.pick()
      } catch (error) {
        if (error instanceof Unexpected || error instanceof assert.AssertionError) throw error
        // The connection broke: the server is being killed.
        if (going) await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  })
  const done = Promise.allSettled(work)
  return async () => {
    going = false
    for (const client of clients) client.agent.destroy()
    for (const { reason } of await done) if (reason) throw reason
    for (const client of clients) {
      client.agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
      client.sessions = client.sessions.filter((id) => client.ledger.sessions.get(id).state === 'open')
      // A model whose fate is unknown is left alone; the check knows both.
      client.own = undefined
    }
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** The kinds of accident, one after the other. */
const ACCIDENTS = ['server', 'workers, then server', 'server and workers at once']

async function accident(patient, kind, random) {
  const server = patient.running.pid
  await pause(LOAD_MS[0] + random() * (LOAD_MS[1] - LOAD_MS[0]))
  const workers = childrenOf(server)
  if (kind !== 'server') for (const pid of workers) kill(pid)
  if (kind === 'workers, then server') await pause(LOAD_MS[0] + random() * (LOAD_MS[1] - LOAD_MS[0]))
  const orphans = childrenOf(server)
  await patient.running.kill()
  await until('workers end when their server is gone', () => !orphans.some(alive), { ms_max: ORPHAN_MS_MAX })
  return workers.length
}

async function survive(t, database, data) {
  const random = generator(SEED)
  const patient = new Patient(database, data, await freePort())
  await patient.start()
  try {
    await patient.prepare()
    const clients = Array.from({ length: CLIENTS }, (_, number) => new Client(patient, generator(SEED + number + 1), number))
    for (let round = 1; round <= ROUNDS; round++) {
      const kind = ACCIDENTS[round % ACCIDENTS.length]
      await revokeOne(patient)
      const settle = load(clients)
      const workers = await accident(patient, kind, random)
      await settle()
      const log = patient.running.log
      await patient.start()
      try {
        await verify(patient.ledger, patient)
      } catch (error) {
        error.message += `\nround ${round} of ${ROUNDS}, ${kind}, seed ${SEED}\n--- log before\n${log.slice(-3000)}\n--- log after\n${patient.running.log.slice(-3000)}`
        throw error
      }
      t.diagnostic(`round ${round}: killed ${kind} (${workers} workers), acknowledged so far ${JSON.stringify(patient.ledger.counts())}`)
    }
    await verifyConfirmed(patient.ledger, patient)
    await patient.running.stop()
  } finally {
    await patient.running.kill()
  }
  const counts = patient.ledger.counts()
  for (const [what, number] of Object.entries(counts)) assert.ok(number > 0, `the load did not produce any ${what}: ${JSON.stringify(counts)}`)
}

/** A ticket for each round that is revoked on the command line, beside the running server. */
async function revokeOne(patient) {
  const { base, token, box, ledger } = patient
  const ticket = await createTicket(base, token, box, { type: 'backend' })
  ledger.tickets.set(ticket, 'revoking')
  await patient.cli('ticket', 'revoke', ticket)
  ledger.tickets.set(ticket, 'revoked')
}

/** Tokens for partners over many connections at once, where the database gathers what it makes durable together. */
async function surviveTokens(t, database, data) {
  const random = generator(SEED)
  const patient = new Patient(database, data, await freePort())
  await patient.start()
  try {
    const { key } = JSON.parse(await patient.cli('partner', 'create', 'Crash', '--app-id', 'crash'))
    const tokens = new Tokens(patient.base, key.secret, 'crash')
    for (let round = 1; round <= ROUNDS; round++) {
      const before = tokens.known.size
      const count = Math.floor(TOKENS[0] + random() * (TOKENS[1] - TOKENS[0]))
      await tokens.load(count, () => patient.running.kill())
      const log = patient.running.log
      await patient.start()
      try {
        await tokens.verify(before)
      } catch (error) {
        error.message += `\nround ${round} of ${ROUNDS}, seed ${SEED}\n--- log before\n${log.slice(-3000)}\n--- log after\n${patient.running.log.slice(-3000)}`
        throw error
      }
      t.diagnostic(`round ${round}: acknowledged so far ${JSON.stringify(tokens.counts())}`)
    }
    await tokens.verify()
    await patient.running.stop()
  } finally {
    await patient.running.kill()
  }
}

const onSqlite = async (t, survives) => {
  const data = await temporaryFolder('crash')
  await survives(t, sqlite(data), data)
  await rm(data, { recursive: true, force: true })
}

const SERVER = process.env.VITRINE_TEST_POSTGRES
const NO_SERVER = { skip: !SERVER && 'VITRINE_TEST_POSTGRES names no server' }

const onPostgres = async (t, survives) => {
  const data = await temporaryFolder('crash')
  const database = await postgres(SERVER, `vitrine_crash_${process.pid}_${path.basename(data).replace(/\W/g, '').toLowerCase()}`)
  try {
    await survives(t, database, data)
  } finally {
    await database.drop()
  }
  await rm(data, { recursive: true, force: true })
}

describe(`${ROUNDS} crashes under load, seed ${SEED}`, () => {
  test('everything acknowledged survives on SQLite', (t) => onSqlite(t, survive))
  test('everything acknowledged survives on PostgreSQL', NO_SERVER, (t) => onPostgres(t, survive))
  test('every acknowledged token holds afterwards on SQLite', (t) => onSqlite(t, surviveTokens))
  test('every acknowledged token holds afterwards on PostgreSQL', NO_SERVER, (t) => onPostgres(t, surviveTokens))
})
