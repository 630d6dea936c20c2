// Script jobs under a server that dies: what was acknowledged, and the check that each was done once.

import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { expectStatus } from './http.mjs'
import { loadUntilKilled } from './load.mjs'
import { until } from './server.mjs'

const DRAWING = new URL('../../../demo/drawings/flat.dxf', import.meta.url)
/** What each form begins with. */
const FORMS = { PDF: '%PDF-', PNG: '\x89PNG', SVG: '<', DWG: 'AC10' }
/** A job whose server died is taken again when its lease is over, 15 seconds later. */
const DONE_MS_MAX = 180_000
const CONNECTIONS = 4

export class ScriptJobs {
  /** `bucket` is the folder that the partner's content bucket is. */
  constructor(base, key, app_id, bucket) {
    Object.assign(this, { base, key, app_id, bucket, sent: 0 })
    /** Id of each acknowledged job, and the form that it writes. */
    this.known = new Map()
    /** Those whose start was under way when the server died: they may be there or not. */
    this.unknown = 0
  }

  async prepare() {
    await mkdir(this.bucket, { recursive: true })
    await cp(DRAWING, path.join(this.bucket, 'flat.dxf'))
  }

  /** Starts `count` jobs, and some more; the server is killed in the middle of doing and starting them. */
  load(count, kill) {
    const goal = this.known.size + count
    const most = goal + CONNECTIONS
    return loadUntilKilled({ connections: CONNECTIONS, count: () => this.known.size, goal, most, one: (agent) => this.start(agent), kill })
  }

  async start(agent) {
    const forms = Object.keys(FORMS)
    const form = forms[this.sent++ % forms.length]
    const json = { file: 'flat.dxf', userId: 'crash', fileType: form }
    const token = (await expectStatus(200, 'POST', `${this.base}/generate`, { headers: { 'x-api-key': this.key }, json, agent })).json.token
    this.unknown += 1
    const { body } = await expectStatus(200, 'GET', `${this.base}/startScriptJob`, { headers: { 'x-api-token': token }, agent })
    this.unknown -= 1
    this.known.set(/^JobID::(\S+)$/.exec(body.toString())[1], form)
  }

  async status(job) {
    const url = `${this.base}/scriptJobStatus?jobId=${job}&auth=${this.app_id}`
    return (await expectStatus(200, 'GET', url, { headers: { accept: 'application/json' } })).json
  }

  /** How many of the jobs are done at this moment. */
  async done() {
    const states = await Promise.all([...this.known.keys()].map((job) => this.status(job)))
    return states.filter(({ status }) => status === 'done').length
  }

  /** Waits for the end of all of them: each is done, once, and what it made is whole. */
  async verify() {
    const places = new Set()
    for (const [job, form] of this.known) {
      const { outputs } = await until(
        `job ${job} has ended`,
        async () => {
          const state = await this.status(job)
          assert.notEqual(state.status, 'failed', `job ${job}: ${state.message}`)
          return state.status === 'done' && state
        },
        { ms_max: DONE_MS_MAX, every_ms: 200 },
      )
      assert.equal(outputs.length, 1, `job ${job}`)
      const [{ name, bytes }] = outputs
      assert.match(name, new RegExp(`^output/[0-9a-f]+/flat\\.${form.toLowerCase()}$`))
      const content = await readFile(path.join(this.bucket, name))
      assert.equal(content.length, bytes, name)
      assert.ok(content.toString('latin1').startsWith(FORMS[form]), `${name} begins ${content.toString('latin1', 0, 8)}`)
      const place = path.dirname(name)
      assert.ok(!places.has(place), `${place} is of two jobs`)
      places.add(place)
      assert.deepEqual(await readdir(path.join(this.bucket, place)), [path.basename(name)], 'nothing else was left beside it')
    }
    // Whatever else is there is of jobs whose start was never answered.
    const others = (await readdir(path.join(this.bucket, 'output'))).filter((folder) => !places.has(`output/${folder}`))
    assert.ok(others.length <= this.unknown, `${others.length} outputs of nobody, ${this.unknown} starts without an answer`)
    assert.deepEqual(await readFile(path.join(this.bucket, 'flat.dxf')), await readFile(DRAWING))
  }
}
