// Kills the server and its workers as a power cut would, again and again, in the middle of work, and checks after each restart
// that everything acknowledged is there, nothing is there twice, and no half-written file is served.
//
// VITRINE_CRASH_ROUNDS  kills per database (20)
// VITRINE_CRASH_SEED    replays the same order of requests and delays (the timing of the machine stays its own)
// VITRINE_TEST_POSTGRES the server for the second half

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import http from 'node:http'
import { describe, test } from 'node:test'
import { postgres, sqlite } from './lib/database.mjs'
import { verify, verifyConfirmed } from './lib/ledger.mjs'
import { Client, generator, Patient, Unexpected } from './lib/patient.mjs'
import { alive, childrenOf, kill } from './lib/processes.mjs'
import { ScriptJobs } from './lib/script-jobs.mjs'
import { freePort, temporaryFolder, until } from './lib/server.mjs'
import { Tokens } from './lib/tokens.mjs'

const ROUNDS = Number(process.env.VITRINE_CRASH_ROUNDS ?? 20)
const SEED = Number(process.env.VITRINE_CRASH_SEED ?? Date.now() % 1_000_000)
const CLIENTS = 6
/** Load runs this long, at random, before the kill. */
const LOAD_MS = [40, 900]
/** Workers whose server is gone have to notice it by their closed pipe. */
const ORPHAN_MS_MAX = 10_000
/** So many editor tokens are acknowledged in a round, at random, before the kill: 10,000 in 20 rounds. */
const TOKENS = [500, 700]
/** Script jobs that are acknowledged in a round before the kill, and rounds: after each one a job waits for its lease to end. */
const JOBS = 6
const JOB_ROUNDS = Math.min(ROUNDS, 3)
/** Jobs are done for so long, at random, before the kill. */
const JOB_MS = [0, 1_500]

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
      await patient.revokeOne()
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

/** Script jobs of a partner, while the server that does them dies. */
async function surviveScriptJobs(t, database, data) {
  const random = generator(SEED)
  const patient = new Patient(database, data, await freePort())
  const bucket = path.join(data, 'partner')
  await patient.start()
  try {
    const { key } = JSON.parse(await patient.cli('partner', 'create', 'Crash', '--app-id', 'crash-jobs', '--content', `file://${bucket}`))
    const jobs = new ScriptJobs(patient.base, key.secret, 'crash-jobs', bucket)
    await jobs.prepare()
    for (let round = 1; round <= JOB_ROUNDS; round++) {
      await jobs.load(JOBS, async () => {
        await pause(JOB_MS[0] + random() * (JOB_MS[1] - JOB_MS[0]))
        await patient.running.kill()
      })
      await patient.start()
      t.diagnostic(`round ${round}: killed with ${jobs.known.size} jobs acknowledged, ${await jobs.done()} of them done`)
    }
    await jobs.verify()
    t.diagnostic(`${jobs.known.size} jobs, each done once`)
    await patient.running.stop()
  } catch (error) {
    error.message += `\nseed ${SEED}\n--- log\n${patient.running.log.slice(-3000)}`
    throw error
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
  test('every acknowledged script job is done once on SQLite', (t) => onSqlite(t, surviveScriptJobs))
  test('every acknowledged script job is done once on PostgreSQL', NO_SERVER, (t) => onPostgres(t, surviveScriptJobs))
})
