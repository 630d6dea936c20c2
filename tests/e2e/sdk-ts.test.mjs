// The official TypeScript SDK as a black-box client, in its first and newest release of major version 3: whatever it can do
// against the server's open path must work, using nothing but what `vitrine demo --json` printed.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import * as first from 'sdk-v3-first'
import * as newest from 'sdk-newest'
import { readGlb, readStl } from './lib/formats.mjs'
import { expectStatus, request } from './lib/http.mjs'
import { BOX_FILENAME, BOX_SOURCE, digits14, glbOf, modelConfirmed, originOf, slider, twoValues } from './lib/journey.mjs'
import { startDemo, until } from './lib/server.mjs'

const COMPUTE_MS_MAX = 60_000
const sha256 = (bytes) => createHash('sha256').update(Buffer.from(bytes)).digest('hex')

/** All API classes of one SDK with one configuration. */
function client(sdk, basePath, { origin, token } = {}) {
  const configuration = new sdk.Configuration({
    basePath,
    accessToken: token,
    baseOptions: { headers: origin ? { Origin: origin } : {} },
  })
  return {
    session: new sdk.SessionApi(configuration),
    output: new sdk.OutputApi(configuration),
    exports: new sdk.ExportApi(configuration),
    model: new sdk.ModelApi(configuration),
    auth: new sdk.AuthApi(configuration),
    assets: new sdk.AssetsApi(configuration),
    utils: new sdk.UtilsApi(configuration),
  }
}

/** Runs a call that has to fail and returns what the SDK makes of it. */
async function refusal(sdk, call) {
  const error = await call.then(
    () => assert.fail('the call should have been refused'),
    (reason) => reason,
  )
  const processed = await sdk.processError(error)
  assert.ok(processed instanceof sdk.ResponseError, `not recognised as an answer of the server: ${processed}`)
  return processed
}

/** Each release gets a server of its own, so that neither finds what the other has computed. */
for (const [name, sdk] of [['3.0.0', first], ['3.4.0', newest]]) {
  describe(`TypeScript SDK ${name}`, () => {
    let demo
    let page
    let model
    before(async () => {
      demo = await startDemo()
      model = demo.info.models[0]
      page = client(sdk, demo.info.base_url, { origin: originOf(demo.info.shop_url) })
    })
    after(() => demo?.stop())

    /** A session as the allowed page would open it. */
    const open = async (api = page, ticket = model.embedding_ticket) =>
      (await api.session.createSessionByTicket(ticket)).data
    const glb = async (output) => {
      const [download, kind] = page.utils.downloadAsset(glbOf(output).href, { responseType: 'arraybuffer' })
      assert.equal(kind, 'output')
      return Buffer.from((await download).data)
    }

    test('a session opens by ticket with everything the viewer asks for', async () => {
      const session = await open()
      assert.match(session.sessionId, /^[0-9a-f]{32}$/)
      assert.equal(session.model.id, model.id)
      for (const member of ['actions', 'file', 'setting', 'statistic', 'templates', 'version', 'viewer']) {
        assert.notEqual(session[member], undefined, `${member} is missing`)
      }
      assert.equal(session.modelState, undefined, 'no model state was asked for')
      const actions = session.actions.map((action) => action.name)
      for (const action of ['customize', 'export', 'close']) assert.ok(actions.includes(action), `no action ${action}`)
      assert.ok(Object.keys(session.parameters).length >= 6, 'a demo model has six parameters or more')
      for (const [id, parameter] of Object.entries(session.parameters)) {
        assert.equal(parameter.id, id)
        assert.equal(typeof parameter.defval, 'string')
      }
      await page.session.closeSession(session.sessionId)
    })

    test('every demo model opens and shows geometry of more than 5000 triangles', async () => {
      for (const { embedding_ticket, slug } of demo.info.models) {
        const session = await open(page, embedding_ticket)
        const outputs = (await page.utils.submitAndWaitForOutput(session.sessionId, {}, COMPUTE_MS_MAX)).outputs
        const { geometry } = slider({ ...session, outputs })
        const { triangles } = readGlb(await glb(geometry))
        assert.ok(triangles >= 5000, `${slug} has only ${triangles} triangles`)
        const data = Object.values(outputs).flatMap((output) => output.content ?? []).filter((item) => item.format === 'data')
        assert.ok(data.length >= 2, `${slug} says no price and weight`)
        await page.session.closeSession(session.sessionId)
      }
    })

    test('defaults of a session repeat what its creation said', async () => {
      const session = await open()
      const { data } = await page.session.getSessionDefaults(session.sessionId)
      assert.deepEqual(Object.keys(data.parameters), Object.keys(session.parameters))
      assert.deepEqual(Object.keys(data.exports), Object.keys(session.exports))
      assert.equal(data.sessionId, session.sessionId)
      await page.session.closeSession(session.sessionId)
    })

    test('other values give another version and other bytes, the same values the same', async () => {
      const session = await open()
      const { geometry, parameter } = slider(session)
      const compute = async (value) => {
        const result = await page.utils.submitAndWaitForOutput(session.sessionId, { [parameter.id]: value }, COMPUTE_MS_MAX)
        const output = result.outputs[geometry.id]
        assert.equal(output.status_computation, 'success')
        assert.equal(output.status_collect, 'success')
        return { version: output.version, hash: sha256(await glb(output)) }
      }
      const [small, large] = twoValues(parameter)
      const one = await compute(small)
      const two = await compute(large)
      assert.notEqual(one.version, two.version)
      assert.notEqual(one.hash, two.hash)
      assert.deepEqual(await compute(small), one)
      // Spelling does not make a new version: numbers are compared as numbers.
      assert.equal((await compute(Number(small))).version, one.version)
      // A parameter may be called by its name as well as by its id.
      const byName = await page.output.computeOutputs(session.sessionId, { [parameter.name]: small })
      assert.equal(byName.data.outputs[geometry.id].version, one.version)
      await page.session.closeSession(session.sessionId)
    })

    test('values once computed are answered from the cache in any session', async () => {
      const session = await open()
      const { geometry, parameter } = slider(session)
      const [value] = twoValues(parameter)
      const done = await page.utils.submitAndWaitForOutput(session.sessionId, { [parameter.id]: value }, COMPUTE_MS_MAX)
      const { version } = done.outputs[geometry.id]
      const other = await open()
      const { data } = await page.output.getCachedOutputs(other.sessionId, { [geometry.id]: version })
      assert.equal(data.outputs[geometry.id].version, version)
      assert.equal(glbOf(data.outputs[geometry.id]).format, 'glb')
      for (const { sessionId } of [session, other]) await page.session.closeSession(sessionId)
    })

    test('the same values again are answered without a worker, as the log shows', async () => {
      const session = await open()
      const { parameter } = slider(session)
      const [value] = twoValues(parameter)
      const compute = (values) => page.utils.submitAndWaitForOutput(session.sessionId, values, COMPUTE_MS_MAX)
      const runs = () => demo.running.log.split('a worker ran').length - 1
      await compute({ [parameter.id]: value })
      // Lines of earlier computations may still be under way: the next one that is new comes after them.
      const fresh = async (share) => {
        const before_count = runs()
        const text = (parameter.min + (parameter.max - parameter.min) * share).toFixed(parameter.decimalplaces ?? 0)
        await compute({ [parameter.id]: text })
        await until('a new computation appears in the log', () => runs() > before_count)
      }
      await fresh(0.31)
      const known = runs()
      for (let count = 0; count < 10; count++) await compute({ [parameter.id]: value })
      await fresh(0.69)
      assert.equal(runs(), known + 1, 'a worker ran for values that were in the cache')
      await page.session.closeSession(session.sessionId)
    })

    test('unknown parameters and values out of range are refused by name', async () => {
      const session = await open()
      const { parameter } = slider(session)
      const wrong = await refusal(sdk, page.output.computeOutputs(session.sessionId, { nonsense: '1' }))
      assert.equal(wrong.type, 'SdParameterValidationError')
      assert.match(wrong.message, /nonsense/)
      const far = await refusal(
        sdk,
        page.output.computeOutputs(session.sessionId, { [parameter.id]: String(parameter.max + 1) }),
      )
      assert.equal(far.type, 'SdParameterValidationError')
      const ignored = await page.output.computeOutputs(session.sessionId, { nonsense: '1' }, true)
      assert.equal(ignored.status, 200)
      await page.session.closeSession(session.sessionId)
    })

    test('an export is an STL file with the right length and a name', async () => {
      const session = await open()
      const { parameter } = slider(session)
      const exported = Object.values(session.exports)[0]
      const [value] = twoValues(parameter)
      const result = await page.utils.submitAndWaitForExport(
        session.sessionId,
        { parameters: { [parameter.id]: value }, exports: [exported.id] },
        COMPUTE_MS_MAX,
      )
      const [item] = result.exports[exported.id].content
      assert.equal(item.format, 'stl')
      const [download, kind] = page.utils.downloadAsset(item.href, { responseType: 'arraybuffer' })
      assert.equal(kind, 'export')
      const { data, headers } = await download
      assert.ok(readStl(Buffer.from(data)).triangles > 0)
      assert.match(headers['content-disposition'], /^attachment; filename=.*\.stl/)
      await page.session.closeSession(session.sessionId)
    })

    test('after closing every call of the session answers 410 SdSessionGoneError', async () => {
      const session = await open()
      const { geometry, parameter } = slider(session)
      const id = session.sessionId
      const exportId = Object.keys(session.exports)[0]
      const body = { parameters: {}, exports: [exportId] }
      await page.session.closeSession(id)
      const owner = client(sdk, demo.info.base_url, { token: demo.info.model_jwt })
      const calls = {
        getSessionDefaults: () => page.session.getSessionDefaults(id),
        closeSession: () => page.session.closeSession(id),
        computeOutputs: () => page.output.computeOutputs(id, { [parameter.id]: parameter.defval }),
        getCachedOutputs: () => page.output.getCachedOutputs(id, { [geometry.id]: geometry.version }),
        computeExports: () => page.exports.computeExports(id, body),
        getCachedExports: () => page.exports.getCachedExports(id, body),
        listOutputVersions: () => owner.output.listOutputVersions(id, geometry.id),
      }
      for (const [name, call] of Object.entries(calls)) {
        const error = await refusal(sdk, call())
        assert.equal(error.status, 410, name)
        assert.equal(error.type, 'SdSessionGoneError', name)
      }
    })

    test('a back end opens sessions by backend ticket without an origin, and by model with a token', async () => {
      const server = client(sdk, demo.info.base_url)
      const byTicket = (await server.session.createSessionByTicket(model.backend_ticket)).data
      assert.equal(byTicket.model.id, model.id)
      await server.session.closeSession(byTicket.sessionId)
      const owner = client(sdk, demo.info.base_url, { token: demo.info.model_jwt })
      const byModel = (await owner.session.createSessionByModel(model.id)).data
      assert.equal(byModel.model.id, model.id)
      // Session calls need no token once the session is open.
      assert.equal((await server.session.closeSession(byModel.sessionId)).status, 200)
    })

    test('a session can be opened with values', async () => {
      const plain = await open()
      const { geometry, parameter } = slider(plain)
      const [value] = twoValues(parameter)
      const { data } = await page.session.createSessionByTicket(model.embedding_ticket, undefined, undefined, undefined, {
        [parameter.id]: value,
      })
      assert.notEqual(data.outputs[geometry.id].version, plain.outputs[geometry.id].version)
      for (const { sessionId } of [plain, data]) await page.session.closeSession(sessionId)
    })

    test('versions of an output are listed to its owner', async () => {
      const owner = client(sdk, demo.info.base_url, { token: demo.info.model_jwt })
      const session = await open()
      const { geometry, parameter } = slider(session)
      await page.utils.submitAndWaitForOutput(session.sessionId, { [parameter.id]: twoValues(parameter)[0] }, COMPUTE_MS_MAX)
      const { data } = await owner.output.listOutputVersions(session.sessionId, geometry.id)
      assert.ok(data.list.output.length > 0)
      const error = await refusal(sdk, page.output.listOutputVersions(session.sessionId, geometry.id))
      assert.ok([401, 403].includes(error.status), `the list was open to everybody: ${error.status}`)
      await page.session.closeSession(session.sessionId)
    })

    test('the owner reads the model, its configuration and its file', async () => {
      const owner = client(sdk, demo.info.base_url, { token: demo.info.model_jwt })
      const { data } = await owner.model.getModel(model.id)
      assert.equal(data.model.id, model.id)
      assert.equal(data.model.stat, 'confirmed')
      assert.equal(typeof data.setting.compute.max_comp_time, 'number')
      assert.ok(Object.keys(data.parameters).length >= 6)
      const config = await owner.model.getModelConfig(model.id)
      assert.equal(typeof config.data.viewer.config, 'object')
      const file = await owner.model.downloadModelFile(model.id, { responseType: 'text' })
      assert.match(file.data, /main/, 'the model file is a script')
    })

    test('a back end creates, uploads, lists and changes a model, and makes tickets for it', async () => {
      const backend = client(sdk, demo.info.base_url, { token: demo.info.backend_jwt })
      const created = (await backend.model.createModel({ name: 'Box', filename: BOX_FILENAME })).data
      const { id } = created.model
      assert.equal(created.model.stat, 'not_uploaded')
      const early = await refusal(sdk, backend.session.createSessionByModel(id))
      assert.equal(early.type, 'SdUnconfirmedModelError')

      const put = await backend.utils.upload(created.file.upload, Buffer.from(BOX_SOURCE), 'application/octet-stream')
      assert.equal(put.status, 200)
      await modelConfirmed(demo.info.base_url, demo.info.backend_jwt, id)

      const listed = (await backend.model.listModels('confirmed')).data.list.model
      assert.ok(listed.some((entry) => entry.id === id))

      await backend.model.updateModel(id, { backendaccess: true, accessdomains: ['box.example'] })
      const changed = (await backend.model.getModel(id)).data
      assert.deepEqual(changed.setting.auth.ticket.accessdomains, ['box.example'])
      assert.equal(changed.setting.auth.ticket.backendaccess, true)
      const { width } = Object.fromEntries(Object.values(changed.parameters).map((entry) => [entry.name, entry]))
      assert.equal(Number(width.min), 1)

      const wanted = {
        accessdomains: ['box.example'],
        author: false,
        pub: false,
        type: 'backend',
        until: digits14(new Date(Date.now() + 120_000)),
        use_id2: false,
      }
      const { ticket } = (await backend.session.createTicket(id, wanted)).data
      assert.match(ticket, /^[0-9a-f]+-[0-9a-f]{32}$/)
      assert.ok(ticket.length > 100)
      const { decryptedTicket } = (await backend.session.decryptTicket(ticket)).data
      assert.deepEqual({ ...decryptedTicket }, { ...wanted, model_id: id })

      const session = (await backend.session.createSessionByTicket(ticket)).data
      const outputs = (await backend.utils.submitAndWaitForOutput(session.sessionId, {}, COMPUTE_MS_MAX)).outputs
      assert.ok(readGlb(await glb(Object.values(outputs)[0])).triangles >= 12)

      const source = await backend.model.downloadModelFile(id, { responseType: 'text' })
      assert.equal(source.data, BOX_SOURCE)

      await backend.model.updateModel(id, { blockingReasons: { owner: true } })
      const blocked = await refusal(sdk, backend.session.createSessionByTicket(ticket))
      assert.equal(blocked.status, 403)
      assert.equal(blocked.type, 'SdErrorForbidden')
    })

    test('an owner changes defaults, names and viewer settings, and everybody sees them', async () => {
      const owner = client(sdk, demo.info.base_url, { token: demo.info.model_jwt })
      const before = await open()
      const { geometry, parameter } = slider(before)
      const value = twoValues(parameter).find((candidate) => candidate !== parameter.defval)
      assert.ok((await owner.model.updateParameterDefaultValues(model.id, { [parameter.id]: value })).data.version)
      const changed = await open()
      assert.equal(Number(changed.parameters[parameter.id].defval), Number(value))
      assert.notEqual(changed.outputs[geometry.id].version, geometry.version)
      const error = await refusal(sdk, owner.model.updateParameterDefaultValues(model.id, { [parameter.id]: String(parameter.max + 1) }))
      assert.equal(error.type, 'SdParameterValidationError')
      await owner.model.updateParameterDefaultValues(model.id, { [parameter.id]: parameter.defval })
      assert.equal((await open()).outputs[geometry.id].version, geometry.version)

      const group = { id: 'g', name: 'Group' }
      await owner.model.updateParameterDefinitions(model.id, { [parameter.id]: { displayname: 'Other name', group, order: 3 } })
      let shown = (await open()).parameters[parameter.id]
      assert.deepEqual([shown.displayname, { ...shown.group }, shown.order], ['Other name', group, 3])
      await owner.model.updateParameterDefinitions(model.id, { [parameter.id]: { displayname: '', group: { nullObj: true } } })
      shown = (await open()).parameters[parameter.id]
      assert.deepEqual([shown.displayname, shown.group], [undefined, undefined])

      const kept = (await owner.model.getModelConfig(model.id)).data.viewer.config
      await owner.model.createModelConfig(model.id, { settings_version: '7.1', first: 1 })
      await owner.model.updateModelConfig(model.id, { second: 2 })
      const config = (await owner.model.getModelConfig(model.id)).data.viewer.config
      assert.deepEqual({ ...config }, { settings_version: '7.1', first: 1, second: 2 })
      await owner.model.createModelConfig(model.id, kept)
    })

    test('a back end deletes, restores and erases a model', async () => {
      const backend = client(sdk, demo.info.base_url, { token: demo.info.backend_jwt })
      const created = (await backend.model.createModel({ name: 'Doomed', filename: BOX_FILENAME })).data
      const { id } = created.model
      await backend.utils.upload(created.file.upload, Buffer.from(BOX_SOURCE), 'application/octet-stream')
      await modelConfirmed(demo.info.base_url, demo.info.backend_jwt, id)
      const session = (await backend.session.createSessionByModel(id)).data
      assert.ok((await backend.model.deleteModel(id)).data.version)
      const gone = await refusal(sdk, backend.session.getSessionDefaults(session.sessionId))
      assert.equal(gone.type, 'SdSessionGoneError')
      assert.equal((await refusal(sdk, backend.session.createSessionByModel(id))).type, 'SdResourceGoneError')
      assert.ok((await backend.model.restoreModel(id)).data.version)
      assert.equal((await backend.model.getModel(id)).data.model.stat, 'confirmed')
      await backend.session.createSessionByModel(id)
      const system = new sdk.SystemApi(
        new sdk.Configuration({ basePath: demo.info.base_url, accessToken: demo.info.backend_jwt }),
      )
      assert.equal((await system.eraseModel(id)).status, 202)
      const erased = () => backend.model.getModel(id).then(
        () => false,
        async (error) => (await sdk.processError(error)).type === 'SdErrorEntityNotFound',
      )
      await until('the model is erased', erased)
    })

    test('wrong credentials are refused without a hint of what exists', async () => {
      const { base_url } = demo.info
      const nobody = client(sdk, base_url)
      const owner = client(sdk, base_url, { token: demo.info.model_jwt })
      const forged = client(sdk, base_url, { token: `${demo.info.model_jwt.slice(0, -6)}AAAAAA` })
      const other = demo.info.models[1].id
      const missing = '00000000-0000-4000-8000-000000000000'

      assert.equal((await refusal(sdk, nobody.model.getModel(model.id))).type, 'SdTokenMissingError')
      assert.equal((await refusal(sdk, forged.model.getModel(model.id))).type, 'SdJwtValidationError')
      // Somebody else's model and one that does not exist look alike.
      for (const id of [other, missing]) {
        const error = await refusal(sdk, owner.model.getModel(id))
        assert.equal(error.status, 403)
        assert.equal(error.type, 'SdErrorForbidden')
      }
      assert.equal((await refusal(sdk, owner.model.listModels())).status, 403)
      assert.equal((await refusal(sdk, owner.model.updateModel(model.id, { pub: true }))).status, 403)
      assert.equal((await refusal(sdk, owner.session.decryptTicket(model.embedding_ticket))).status, 403)

      const half = model.embedding_ticket.slice(0, -1)
      const bad = await refusal(sdk, page.session.createSessionByTicket(`${half}${model.embedding_ticket.endsWith('0') ? '1' : '0'}`))
      assert.equal(bad.status, 403)
      assert.equal(bad.type, 'SdTicketValidationError')
    })

    test('keys for checking tokens are published, and hold no private part', async () => {
      const { data } = await page.auth.getJsonWebKeySets()
      assert.ok(data.keys.length > 0)
      for (const key of data.keys) {
        assert.ok(key.kid)
        for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.equal(key[secret], undefined)
      }
    })

    test('assets answer ranges, heads and conditional requests as the contract says', async () => {
      const session = await open()
      const { geometry } = slider(session)
      const { href } = glbOf(geometry)
      const whole = await expectStatus(206, 'GET', href)
      readGlb(whole.body)
      const part = await expectStatus(206, 'GET', href, { headers: { range: 'bytes=0-3' } })
      assert.equal(part.body.toString('latin1'), 'glTF')
      assert.equal(part.headers['content-range'], `bytes 0-3/${whole.body.length}`)
      const head = await request('HEAD', href)
      assert.ok([200, 206].includes(head.status))
      assert.equal(Number(head.headers['content-length']), whole.body.length)
      assert.equal(head.headers['accept-ranges'], 'bytes')
      await expectStatus(416, 'GET', href, { headers: { range: `bytes=${whole.body.length + 10}-` } })
      await page.session.closeSession(session.sessionId)
    })
  })
}
