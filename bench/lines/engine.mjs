// What a customization costs: of the three demo models and of five that are hard for a geometry kernel, computed and from the cache,
// beside manifold3d (PyPI), which gets the same solids as meshes and the same booleans.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expectStatus, request } from '../../tests/e2e/lib/http.mjs'
import { createTicket, uploadModel } from '../../tests/e2e/lib/journey.mjs'
import { freePort, run, Running, temporaryFolder, until } from '../../tests/e2e/lib/server.mjs'
import { between, pin, spent } from '../lib/cpu.mjs'
import { interleave, median, ratios } from '../lib/rounds.mjs'
import { solidsOf } from '../lib/solids.mjs'

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..')
const PYTHON = process.env.VITRINE_PYTHON ?? path.join(ROOT, '.venv/bin/python')
const [SERVER_CORE, OWN_CORE] = [0, 1]
/** Cached customizations in a row: one alone is below what /proc tells apart. */
const CACHED_REQUESTS = 200
const TARGETS = { over_manifold3d: 2, demo_ms: 150, cached_ms: 5 }

/** Each with a number that changes its solids: what it is in the first round, and how it goes on. */
const MODELS = {
  shelf: { file: 'demo/models/shelf.js', name: 'width', from: 1240, step: -10 },
  enclosure: { file: 'demo/models/enclosure.js', name: 'length', from: 125, step: 1 },
  lamp: { file: 'demo/models/lamp.js', name: 'height', from: 225, step: 5 },
  bracket: { file: 'bench/models/bracket.js', name: 'size', from: 201, step: 1 },
  gear: { file: 'bench/models/gear.js', name: 'size', from: 41, step: 0.5 },
  vase: { file: 'bench/models/vase.js', name: 'size', from: 41, step: 0.5 },
  menger: { file: 'bench/models/menger.js', name: 'size', from: 82, step: 1 },
  spheres: { file: 'bench/models/spheres.js', name: 'size', from: 41, step: 0.5 },
}
const DEMO = ['shelf', 'enclosure', 'lamp']

export const name = 'engine'
export const about = 'CPU of a customization, computed and cached, beside manifold3d on the same solids'

async function startVitrine(data) {
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const log = await open(path.join(data, 'log'), 'w')
  // One worker: its own cost is what is measured, not how many there are.
  const env = { VITRINE_WORKERS: '1' }
  const running = new Running(['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--public-url', base], env, { stderr: log.fd })
  await log.close()
  await until('the server answers', async () => (await request('GET', `${base}/healthz`)).status === 200, { ms_max: 60_000 })
  const mint = ['jwt', 'mint', '--subject', 'backend', '--scope', '*', '--ttl', '36000', '--data', data]
  const token = (await run(mint)).split('\n').at(-1).trim()
  return { running, base, token }
}

/** Python, warm, one line of solids after the other. */
function manifold3d() {
  const command = pin.command(SERVER_CORE, [PYTHON, path.join(ROOT, 'bench/lib/solids.py')])
  const child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async build(solids) {
      child.stdin.write(`${JSON.stringify(solids)}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error('manifold3d ended')
      return JSON.parse(value)[0]
    },
    stop: () => child.stdin.end(),
  }
}

/** A model on the server: one session, and how to ask for one value of its parameter. */
async function upload({ base, token, running }, model) {
  const source = readFileSync(path.join(ROOT, model.file), 'utf8')
  const id = await uploadModel(base, token, { name: model.file, source, filename: path.basename(model.file), settings: { backendaccess: true } })
  const ticket = await createTicket(base, token, id, { type: 'backend' })
  const { json } = await expectStatus(201, 'POST', `${base}/api/v2/ticket/${ticket}`, { json: {} })
  const parameter = Object.values(json.parameters).find(({ name: own }) => own === model.name)
  if (!parameter) throw new Error(`${model.file} has no parameter ${model.name}`)
  const { pid } = running
  const ask = async (value) => {
    for (;;) {
      const answer = await expectStatus(200, 'PUT', `${base}/api/v2/session/${json.sessionId}/output`, { json: { [parameter.id]: String(value) } })
      const outputs = Object.values(answer.json.outputs)
      const failed = outputs.find(({ msg, content }) => msg && !content?.length)
      if (failed) throw new Error(`${model.file}: ${failed.msg}`)
      const delay = Math.max(0, ...outputs.map((output) => output.delay ?? 0))
      if (delay === 0) return
      await new Promise((resolve) => setTimeout(resolve, Math.min(delay, 50)))
    }
  }
  /** Milliseconds of CPU of the server and its workers, for each of `count` requests. */
  const cost = async (value, count = 1) => {
    const before = spent(pid)
    for (let left = count; left > 0; left--) await ask(value)
    return Number(between(before, spent(pid))) / 1e6 / count
  }
  return { ask, cost }
}

/** @param {{rounds: number}} options */
export async function measure({ rounds }) {
  const data = await temporaryFolder('bench')
  const other = manifold3d()
  let vitrine
  try {
    vitrine = await startVitrine(data)
    pin.process(SERVER_CORE, vitrine.running.pid)
    pin.process(OWN_CORE, process.pid)
    const contenders = {}
    const bind = {}
    for (const [model, settings] of Object.entries(MODELS)) {
      const { ask, cost } = await upload(vitrine, settings)
      const values = (round) => settings.from + settings.step * round
      // The one worker serves one model at a time: the process of the model before ends here, and not in a round.
      bind[model] = () => ask(values(-1))
      let [ours, theirs] = [-1, -1]
      contenders[`${model}, computed`] = () => cost(values(++ours))
      contenders[`${model}, cached`] = () => cost(values(Math.max(0, ours)), CACHED_REQUESTS)
      contenders[`${model}, manifold3d`] = async () => {
        theirs += 1
        return other.build(solidsOf(path.join(ROOT, settings.file), { [settings.name]: values(theirs) }))
      }
    }
    const costs = {}
    // One model after the other, so that its worker stays: with one worker each change of model would start a process.
    for (const model of Object.keys(MODELS)) {
      await bind[model]()
      const own = Object.entries(contenders).filter(([who]) => who.startsWith(`${model},`))
      Object.assign(costs, await interleave(Object.fromEntries(own), rounds))
    }
    const below = (who, target) => ({ median: median(costs[who]) / target, least: Math.min(...costs[who]) / target, most: Math.max(...costs[who]) / target, target: 1 })
    const lines = Object.keys(MODELS)
    return {
      unit: 'CPU ms',
      cost: Object.fromEntries(Object.entries(costs).map(([who, all]) => [who, median(all)])),
      ratios: Object.fromEntries([
        ...lines.map((model) => [`${model}: computed over manifold3d`, { ...ratios(costs, `${model}, computed`, `${model}, manifold3d`), target: TARGETS.over_manifold3d }]),
        ...DEMO.map((model) => [`${model}: computed over ${TARGETS.demo_ms} ms`, below(`${model}, computed`, TARGETS.demo_ms)]),
        ...lines.map((model) => [`${model}: cached over ${TARGETS.cached_ms} ms`, below(`${model}, cached`, TARGETS.cached_ms)]),
      ]),
    }
  } finally {
    other.stop()
    if (vitrine) await vitrine.running.stop()
    await rm(data, { recursive: true, force: true })
  }
}
