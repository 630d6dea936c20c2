// A server under mixed load for hours, while its workers are killed, slow clients hold on to it, and its disk fills up. Again and again
// the load stops for a moment, and everything is compared: what was acknowledged with what is there, the queues with zero, and at
// the end the server's memory with itself. What came out is written as Markdown as it goes.
//
// VITRINE_SOAK_MINUTES  how long (120)
// VITRINE_SOAK_CPU      cores that server and workers may take on average (0.3); the load adapts
// VITRINE_SOAK_SEED     the order of requests
// VITRINE_SOAK_REPORT   where the report goes (soak-report.md in .tools)
//
// It needs Linux with `unshare`, `mount` and `fallocate`, and the right to mount a tmpfs: root, or a user who may make user namespaces.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import http from 'node:http'
import { loadavg } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sqlite } from './lib/database.mjs'
import { request } from './lib/http.mjs'
import { createTicket, uploadModel } from './lib/journey.mjs'
import { verify, verifyConfirmed } from './lib/ledger.mjs'
import { metric } from './lib/metrics.mjs'
import { computed, generator, Patient } from './lib/patient.mjs'
import { childrenOf, kill } from './lib/processes.mjs'
import { freePort, run, temporaryFolder, until } from './lib/server.mjs'
import { keepGoing, Partner, Stranger, VANDAL_SOURCE, Vandal, Visitor } from './lib/soak/crowd.mjs'
import { enterNamespace, SmallDisk } from './lib/soak/disk.mjs'
import { descriptors, familySeconds, growthPerHour, median, memory, threads } from './lib/soak/measure.mjs'
import { SLOW_STYLES, slowClient } from './lib/soak/slow.mjs'
import { Tokens } from './lib/tokens.mjs'

const HERE = path.dirname(fileURLToPath(import.meta.url))
const MINUTES = Number(process.env.VITRINE_SOAK_MINUTES ?? 120)
const CPU_TARGET = Number(process.env.VITRINE_SOAK_CPU ?? 0.3)
const SEED = Number(process.env.VITRINE_SOAK_SEED ?? Date.now() % 1_000_000)
const REPORT = process.env.VITRINE_SOAK_REPORT ?? path.join(HERE, '../../.tools/soak-report.md')
const MINUTE_MS = 60_000
/** Windows of the report: ten minutes, or a twelfth of a shorter run. */
const WINDOW_MS = Math.min(10, MINUTES / 12) * MINUTE_MS

const VISITORS = 5
const DISK_MIB = 1024
/** How long the disk is full, once in each window. */
const FULL_MS = Math.min(20_000, WINDOW_MS / 4)
/** After it has space again, answers may be refused this much longer: those under way. */
const AFTER_FULL_MS = 3_000
/** A visitor acts every half second times this, as the processor allows. */
const PACE_MAX = 12
const KILL_EVERY_MS = Math.min(45_000, WINDOW_MS / 3)
/** The server has to be rid of a slow client by then. */
const SLOW_MS_MAX = 240_000
const SAMPLE_MS = 5_000
const SETTLE_MS_MAX = 300_000
/** A request that nobody has made before, after all that: computed, not remembered. */
const FRESH_MS_MAX = 20_000

/** Growth of the server's own memory after the first quarter, by the slope of all pairs of samples. */
const GROWTH_MIB_PER_HOUR_MAX = 4
/** Answers of 503 because the node did not hear from its database for eight seconds: right on a machine that stands still, wrong on any other. */
const NOT_READY_SHARE_MAX = 0.01
/** Connections that broke without an answer: kept ones that the server had just closed for being idle. */
const BROKEN_SHARE_MAX = 0.001

/** Ends idle sessions within the run, so that what is kept for them comes to rest early. */
const ENV = {
  VITRINE_SESSION_AGE_MAX_S: '900',
  VITRINE_SESSION_IDLE_MAX_S: '600',
  VITRINE_COMPUTATION_TIME_MAX_MS: '3000',
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

class Soak {
  constructor(patient, disk) {
    Object.assign(this, { patient, disk, random: generator(SEED), pace: 1, full_until: 0, samples: [], rows: [], problems: [] })
    this.clearWindow()
    this.started = Date.now()
  }

  clearWindow() {
    this.window = { answered: 0, refused_full: 0, not_ready: 0, broken: 0, killed: 0, slow: 0, full: 0, hostile: 0 }
  }

  elapsed() {
    return Date.now() - this.started
  }

  async prepare() {
    const { patient } = this
    await patient.prepare(MINUTES * 60 + 7200)
    const { base, token } = patient
    const id = await uploadModel(base, token, { name: 'vandal', source: VANDAL_SOURCE, filename: 'vandal.js', settings: { backendaccess: true } })
    patient.vandal = await createTicket(base, token, id, { type: 'backend', until: patient.until })
    const { key } = JSON.parse(await patient.cli('partner', 'create', 'Soak', '--app-id', 'soak'))
    this.tokens = new Tokens(base, key.secret, 'soak')
    this.port = Number(new URL(base).port)
    const somebody = (number) => generator(SEED + number)
    this.visitors = Array.from({ length: VISITORS }, (_, number) => new Visitor(patient, somebody(number + 1), number))
    this.vandal = new Vandal(patient, somebody(100))
    this.others = [
      { who: this.vandal, pause_ms: 25_000 },
      { who: new Stranger(patient, somebody(101)), pause_ms: 2_000 },
      { who: new Partner(this.tokens), pause_ms: 1_500 },
    ]
  }

  /** What went wrong for one client: expected while the disk is full, a failure of the run otherwise. */
  note(error, answered) {
    if (Date.now() < this.full_until) this.window.refused_full += 1
    else if (error.status === 503) this.window.not_ready += 1
    else if (answered) this.problems.push(error.message)
    else this.window.broken += 1
  }

  startLoad() {
    const common = {
      onDone: () => (this.window.answered += 1),
      onError: (error, answered) => this.note(error, answered),
    }
    const stops = [
      ...this.visitors.map((who) => keepGoing(who, { ...common, random: who.random, pause_ms: () => 500 * this.pace })),
      ...this.others.map(({ who, pause_ms }) => keepGoing(who, { ...common, random: this.random, pause_ms: () => pause_ms * Math.max(1, this.pace / 4) })),
    ]
    this.loaded = true
    return async () => {
      this.loaded = false
      await Promise.all(stops.map((stop) => stop()))
    }
  }

  /** Slow clients of every style, each replaced when the server has had enough of it, until the run is over. */
  slowClients() {
    for (const style of SLOW_STYLES) {
      const again = async () => {
        while (!this.over) {
          try {
            const session = this.visitors[0].sessions[0] ?? '0'.repeat(32)
            await slowClient(this.port, style, session, SLOW_MS_MAX)
            this.window.slow += 1
            await pause(1000)
          } catch (error) {
            this.problems.push(error.message)
          }
        }
      }
      again()
    }
  }

  sampling() {
    let seconds = familySeconds(this.patient.running.pid)
    let at = Date.now()
    const timer = setInterval(() => {
      const { pid } = this.patient.running
      try {
        const now = familySeconds(pid)
        const cores = Math.max(0, now - seconds) / ((Date.now() - at) / 1000)
        seconds = now
        at = Date.now()
        // Slowly, so that one computation does not stop everybody; comparing costs as well, and is not theirs.
        if (this.loaded) this.pace = Math.min(PACE_MAX, Math.max(0.3, this.pace * Math.min(1.2, Math.max(0.8, cores / CPU_TARGET))))
        this.samples.push({ hours: this.elapsed() / 3_600_000, cores, fds: descriptors(pid), ...memory(pid) })
      } catch (error) {
        this.problems.push(`the server could not be looked at: ${error.message}`)
      }
    }, SAMPLE_MS)
    return () => clearInterval(timer)
  }

  killOne() {
    const workers = childrenOf(this.patient.running.pid)
    if (workers.length === 0) return
    kill(workers[Math.floor(this.random() * workers.length)])
    this.window.killed += 1
  }

  async fillDisk() {
    const { base } = this.patient
    this.full_until = Infinity
    this.window.full += 1
    const end = Date.now() + FULL_MS
    while (Date.now() < end) {
      this.disk.fill()
      const { status } = await request('GET', `${base}/healthz`)
      assert.equal(status, 200, 'a full disk must not end the server')
      await pause(1000)
    }
    this.disk.relieve()
    this.full_until = Date.now() + AFTER_FULL_MS
  }

  async metric(name) {
    const { body } = await request('GET', `${this.patient.base}/metrics`)
    return metric(body.toString(), name)
  }

  /** Nothing waits, nothing is missing, and a request that nobody has made before is answered. */
  async check(hash_before) {
    const { patient } = this
    await until(
      'queue and workers come to rest',
      async () => (await this.metric('vitrine_worker_queue_jobs')) === 0 && (await this.metric('vitrine_workers_busy')) === 0,
      { ms_max: SETTLE_MS_MAX, every_ms: 250 },
    )
    patient.reader = undefined
    await verify(patient.ledger, patient)
    await this.tokens.verify(hash_before.tokens)
    const { json } = await request('POST', `${patient.base}/api/v2/ticket/${patient.ticket}`, { json: {} })
    const started = Date.now()
    await computed(patient.base, json.sessionId, patient.output, { [patient.width]: (900 + this.rows.length / 2).toFixed(1) })
    const fresh_ms = Date.now() - started
    assert.ok(fresh_ms <= FRESH_MS_MAX, `an honest request took ${fresh_ms} ms after all that`)
    await request('POST', `${patient.base}/api/v2/session/${json.sessionId}/close`)
    return fresh_ms
  }

  async windowOf(end) {
    const tokens = this.tokens.known.size
    const first_sample = this.samples.length
    const started = Date.now()
    const hostile = this.vandal.refused
    await this.patient.revokeOne()
    const stop = this.startLoad()
    const full_at = started + (0.3 + 0.3 * this.random()) * (end - started)
    let filled = false
    let next_kill = started + KILL_EVERY_MS * this.random()
    while (Date.now() < end) {
      if (!filled && Date.now() >= full_at) {
        filled = true
        await this.fillDisk()
      }
      if (Date.now() >= next_kill) {
        this.killOne()
        next_kill = Date.now() + KILL_EVERY_MS * (0.5 + this.random())
      }
      await pause(200)
    }
    await stop()
    this.window.hostile = this.vandal.refused - hostile
    const fresh_ms = await this.check({ tokens })
    const samples = this.samples.slice(first_sample)
    this.rows.push({ minute: Math.round(this.elapsed() / MINUTE_MS), ...this.window, fresh_ms, load: loadavg()[1], ledger: this.patient.ledger.counts(), tokens: this.tokens.known.size, samples })
    this.clearWindow()
    this.write('running')
    if (this.problems.length > 0) throw new Error(`while the server was well:\n${[...new Set(this.problems)].slice(0, 20).join('\n')}`)
  }

  growth() {
    const after = this.samples.filter(({ hours }) => hours * 60 > MINUTES / 4)
    // Some hundred points are enough, and pairs grow with the square.
    const step = Math.ceil(after.length / 400)
    return growthPerHour(after.filter((_, at) => at % step === 0).map(({ hours, own }) => ({ hours, value: own })))
  }

  write(state) {
    mkdirSync(path.dirname(REPORT), { recursive: true })
    writeFileSync(REPORT, report(this, state))
  }
}

function report(soak, state) {
  const figure = (rows, field, digits = 1) => (rows.length === 0 ? '–' : median(rows.map((row) => row[field])).toFixed(digits))
  const lines = soak.rows.map(({ minute, samples, ledger, ...row }) =>
    [
      minute,
      row.answered,
      row.refused_full,
      row.hostile,
      row.killed,
      row.slow,
      row.broken,
      row.not_ready,
      row.load.toFixed(1),
      `${ledger.sessions} / ${ledger.assets} / ${ledger.models} / ${row.tokens}`,
      figure(samples, 'cores', 2),
      figure(samples, 'own'),
      figure(samples, 'pss'),
      samples.length === 0 ? '–' : Math.max(...samples.map(({ pss }) => pss)).toFixed(1),
      figure(samples, 'fds', 0),
      row.fresh_ms,
    ].join(' | '),
  )
  return `A soak of ${MINUTES} minutes, seed ${SEED}, SQLite, data folder of ${DISK_MIB} MiB: ${state}.
Version: ${soak.version}. Load held at about ${CPU_TARGET} cores for server and workers together.

At the end of each line the load stopped, the queue was empty, every acknowledged session, charge, model, asset, revoked ticket and
token was found in the database or answered as it was acknowledged, and a new request was computed (last column).

| minute | answered | refused, disk full | hostile, refused | workers killed | slow clients ended | broken | not ready | machine's load | acknowledged: sessions / assets / models / tokens | cores | own memory MiB, median | PSS MiB, median | PSS MiB, most | descriptors | new request, ms |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
${lines.map((line) => `| ${line} |`).join('\n')}

Growth of the server's own memory after the first quarter, without the pages of files, of which a growing database has more: ${soak.growth().toFixed(2)} MiB an hour (bound ${GROWTH_MIB_PER_HOUR_MAX}).
`
}

function judge(soak) {
  const total = (field) => soak.rows.reduce((sum, row) => sum + row[field], 0)
  for (const field of ['answered', 'refused_full', 'hostile', 'killed', 'slow', 'full']) assert.ok(total(field) > 0, `the run had no ${field}`)
  assert.ok(total('broken') <= Math.max(5, total('answered') * BROKEN_SHARE_MAX), `${total('broken')} connections broke without an answer`)
  assert.ok(total('not_ready') <= total('answered') * NOT_READY_SHARE_MAX, `${total('not_ready')} requests met a node that was not ready`)
  // A short run is still warming up.
  if (MINUTES >= 60) assert.ok(soak.growth() <= GROWTH_MIB_PER_HOUR_MAX, `memory grows by ${soak.growth().toFixed(2)} MiB an hour`)
}

async function soakFor(folder) {
  const disk = new SmallDisk(folder, DISK_MIB)
  const patient = new Patient(sqlite(folder), folder, await freePort(), ENV)
  const soak = new Soak(patient, disk)
  soak.version = await run(['--version'])
  await patient.start()
  let stopSampling = () => {}
  try {
    await soak.prepare()
    soak.started = Date.now()
    stopSampling = soak.sampling()
    soak.slowClients()
    while (soak.elapsed() < MINUTES * MINUTE_MS) {
      await soak.windowOf(Math.min(soak.started + (soak.rows.length + 1) * WINDOW_MS, soak.started + MINUTES * MINUTE_MS))
      console.log(`minute ${soak.rows.at(-1).minute}: ${JSON.stringify(soak.rows.at(-1).ledger)}, growth ${soak.growth().toFixed(2)} MiB/h`)
    }
    soak.over = true
    stopSampling()
    await verifyConfirmed(patient.ledger, patient)
    await patient.running.stop()
    // What was acknowledged has to be there for another process as well.
    await patient.start()
    await soak.check({ tokens: 0 })
    await patient.running.stop()
    judge(soak)
    soak.write('passed')
    console.log(`passed; the report: ${REPORT}`)
  } catch (error) {
    soak.write(`FAILED, ${error.message.split('\n')[0]}`)
    error.message += `\n${threads(patient.running.pid)}\nload of the machine ${loadavg().join(' ')}\nseed ${SEED}\n--- log\n${patient.running.log.slice(-6000)}`
    throw error
  } finally {
    soak.over = true
    stopSampling()
    await patient.running.kill()
    disk.unmount()
  }
}

// A kept connection may be closed by the server, for being idle, at the very moment of the next request. That is counted for visitors;
// what looks and compares has a connection for each request.
http.globalAgent = new http.Agent({ keepAlive: false })

if (!(await enterNamespace())) {
  const folder = await temporaryFolder('soak')
  try {
    await soakFor(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
    http.globalAgent.destroy()
  }
  // Slow clients may still be waiting.
  process.exit()
}
