// Designs of other people, as they are: the examples that JSCAD's own package brings, and OpenSCAD files in the style in which
// people publish them. Each is pushed over HTTP, opened as its page would, adjusted, and downloaded as a file to print.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openEdges, readGlb, readStl } from './lib/formats.mjs'
import { expectStatus } from './lib/http.mjs'
import { createTicket, glbOf, originOf, twoValues, uploadModel } from './lib/journey.mjs'
import { startDemo } from './lib/server.mjs'

const EXAMPLES = path.dirname(createRequire(import.meta.url).resolve('@jscad/examples/package.json'))
const MODELS = path.join(path.dirname(fileURLToPath(import.meta.url)), '../models/openscad')
/** Where Debian installs it, and where the server looks by default. */
const OPENSCAD = '/usr/bin/openscad'

/** Examples that are more than one file, and what they are told. */
const NOT_ONE_FILE = {
  'import/AMFImport/index.js': /Cannot find module '\.\/Rook\.amf'/,
  'import/STLImport/index.js': /Cannot find module '\.\/3d_sculpture/,
  'import/SVGImport/index.js': /Cannot find module '\.\/babypanda2\.svg'/,
  'module-design/index.js': /Cannot find module '\.\/mountPlate\.js'/,
  'module-design/mountPlate.js': /no function main/,
  'module-design/subFolder/sphereShape.js': /radius must be positive/,
}
/** Designs of the package that run as they are. */
const JSCAD_FILES_MIN = 30
const COMPUTE_MS_MAX = 60_000

const scripts = (await readdir(EXAMPLES, { recursive: true })).filter((name) => name.endsWith('.js')).sort()
const files = (await readdir(MODELS)).filter((name) => name.endsWith('.scad')).sort()

describe('designs of other people', () => {
  let demo
  let base
  let token
  before(async () => {
    demo = await startDemo()
    base = demo.info.base_url
    token = demo.info.backend_jwt
  })
  after(() => demo?.stop())

  /** Pushes a file and opens a session as the allowed page does. */
  async function open(filename, source) {
    const origin = originOf(demo.info.shop_url)
    const settings = { accessdomains: [new URL(origin).host], max_wait_time: COMPUTE_MS_MAX }
    const id = await uploadModel(base, token, { name: filename, filename, source, settings })
    const ticket = await createTicket(base, token, id)
    const opened = await expectStatus(201, 'POST', `${base}/api/v2/ticket/${ticket}`, { headers: { Origin: origin } })
    return opened.json
  }

  const compute = async (session, values) => {
    const answer = await expectStatus(200, 'PUT', `${base}/api/v2/session/${session.sessionId}/output`, { json: values })
    const output = Object.values(answer.json.outputs)[0]
    assert.equal(output.status_computation, 'success', output.msg)
    return readGlb((await expectStatus(206, 'GET', glbOf(output).href)).body)
  }

  const download = async (session, parameters) => {
    const [[id, { name }]] = Object.entries(session.exports)
    const answer = await expectStatus(200, 'PUT', `${base}/api/v2/session/${session.sessionId}/export`, {
      json: { exports: [id], parameters },
    })
    const made = answer.json.exports[id]
    assert.equal(made.status_computation, 'success', made.msg)
    return { name, bytes: (await expectStatus(200, 'GET', made.content[0].href)).body }
  }

  /** Another value for the first parameter with limits, if there is one. */
  function adjusted(session) {
    const all = Object.values(session.parameters)
    const parameter = all.find(({ type, min, max }) => ['Int', 'Float'].includes(type) && min !== undefined && max > min)
    return parameter ? { [parameter.id]: twoValues(parameter)[0] } : {}
  }

  for (const name of scripts.filter((script) => !(script in NOT_ONE_FILE))) {
    test(`JSCAD: ${name}`, async () => {
      const session = await open(path.basename(name), await readFile(path.join(EXAMPLES, name)))
      const glb = await compute(session, adjusted(session))
      assert.ok(glb.json.meshes.length > 0)
    })
  }

  for (const [name, reason] of Object.entries(NOT_ONE_FILE)) {
    test(`JSCAD: ${name} is more than one file, and told so`, async () => {
      await assert.rejects(async () => open(path.basename(name), await readFile(path.join(EXAMPLES, name))), reason)
    })
  }

  test('the package brings as many designs as are promised', () => {
    assert.ok(scripts.length - Object.keys(NOT_ONE_FILE).length >= JSCAD_FILES_MIN, `${scripts.length} scripts`)
    assert.ok(Object.keys(NOT_ONE_FILE).every((name) => scripts.includes(name)))
    assert.equal(files.length, 10)
  })

  const skip = !existsSync(OPENSCAD) && !process.env.CI && `${OPENSCAD} is not installed`
  for (const name of files) {
    test(`OpenSCAD: ${name}`, { skip }, async () => {
      const session = await open(name, await readFile(path.join(MODELS, name)))
      const values = adjusted(session)
      assert.ok(Object.keys(values).length > 0, 'there is something to adjust')
      const first = await compute(session, {})
      const second = await compute(session, values)
      assert.ok(first.triangles > 12 && second.triangles > 12)
      const file = await download(session, values)
      assert.equal(file.name, 'STL')
      assert.ok(readStl(file.bytes).triangles > 12)
      assert.equal(openEdges(file.bytes), 0, 'the file to print is watertight')
    })
  }
})
