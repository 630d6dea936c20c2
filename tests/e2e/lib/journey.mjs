// Steps that several suites share, spoken in the wire protocol only.

import { expectStatus } from './http.mjs'
import { until } from './server.mjs'

/** A model of our own to upload: one number, one box, so that sizes can be checked by arithmetic. */
export const BOX_FILENAME = 'box.js'
export const BOX_SOURCE = `const { cuboid } = require('@jscad/modeling').primitives

function getParameterDefinitions() {
  return [{ name: 'width', type: 'float', initial: 10, min: 1, max: 1000, step: 0.5, caption: 'Width' }]
}

function main(parameters) {
  return cuboid({ size: [parameters.width, 20, 30] })
}

module.exports = { main, getParameterDefinitions }
`

/** Checking a model computes it once, which takes its time on a busy machine; a check that was cut off waits for its lease to end. */
const CHECK_MS_MAX = 180_000

/** The scheme, host and port of a URL, as a browser would send it. */
export const originOf = (url) => new URL(url).origin

/** The first Int or Float parameter with both limits on which the first GLB output depends. */
export function slider(session) {
  const outputs = Object.values(session.outputs)
  const geometry = outputs.find((output) => (output.content ?? []).some((item) => item.format === 'glb')) ?? outputs[0]
  const parameter = Object.values(session.parameters).find(
    ({ id, type, min, max }) =>
      ['Int', 'Float'].includes(type) && min !== undefined && max !== undefined && geometry.dependency.includes(id),
  )
  if (!parameter) throw new Error('the model has no Int or Float parameter with limits that changes its first GLB output')
  return { geometry, parameter }
}

/** Two allowed values that differ from each other and from the default. */
export function twoValues({ type, min, max, defval, decimalplaces }) {
  const digits = type === 'Int' ? 0 : (decimalplaces ?? 2)
  const candidates = [0.25, 0.5, 0.75, 0.1, 0.9].map((share) => (min + (max - min) * share).toFixed(digits))
  const [first, second] = [...new Set(candidates)].filter((text) => Number(text) !== Number(defval))
  if (second === undefined) throw new Error(`too few different values between ${min} and ${max}`)
  return [first, second]
}

/** Where the first GLB of an output lies. */
export function glbOf(output) {
  const item = (output.content ?? []).find(({ format }) => format === 'glb')
  if (!item) throw new Error(`output ${output.name} has no GLB: ${JSON.stringify(output).slice(0, 400)}`)
  return item
}

/** Creates a model from a source, uploads it and waits until the server has confirmed it. */
export async function uploadModel(base, token, { name, source = BOX_SOURCE, filename = BOX_FILENAME, settings = {} }) {
  const created = await expectStatus(200, 'POST', `${base}/api/v2/model`, {
    token,
    json: { name, filename, ...settings },
  })
  const { id } = created.json.model
  await expectStatus(200, 'PUT', created.json.file.upload, {
    body: Buffer.from(source),
    headers: { 'content-type': 'application/octet-stream' },
  })
  await modelConfirmed(base, token, id)
  return id
}

/** Waits until a model is confirmed; a denied one ends the wait with its message. */
export async function modelConfirmed(base, token, id) {
  await until(
    `model ${id} is confirmed`,
    async () => {
      const { json } = await expectStatus(200, 'GET', `${base}/api/v2/model/${id}`, { token })
      if (json.model.stat === 'denied') return { denied: json.model.msg }
      return json.model.stat === 'confirmed' && {}
    },
    { ms_max: CHECK_MS_MAX, every_ms: 100 },
  ).then(({ denied }) => {
    if (denied !== undefined) throw new Error(`the model was denied: ${denied}`)
  })
}

/** 14 digits, UTC: the form in which tickets say until when they hold. */
export const digits14 = (date) => date.toISOString().replace(/\D/g, '').slice(0, 14)

/** A ticket for a model, as a back end asks for it. */
export async function createTicket(base, token, model, ticket = {}) {
  const until_date = new Date(Date.now() + 3_600_000)
  const { json } = await expectStatus(200, 'POST', `${base}/api/v2/model/${model}/ticket`, {
    token,
    json: { type: '', pub: false, until: digits14(until_date), ...ticket },
  })
  return json.ticket
}
