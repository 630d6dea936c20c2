// The official platform SDK in its newest and in an old version, unmodified, with nothing but what `vitrine demo --json` printed: from an access key to a session that
// a page of the shop opens.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import platform from '@shapediver/sdk.platform-api-sdk-v1'
import oldPlatform from 'platform-sdk-2-18'
import * as geometry from 'sdk-newest'
import { request } from './lib/http.mjs'
import { originOf } from './lib/journey.mjs'
import { startDemo, until } from './lib/server.mjs'

const { create, isPBInvalidGrantOAuthResponseError, isPBNotFoundResponseError, isPBValidationResponseError } = platform

const CUBE = `const { cuboid } = require('@jscad/modeling').primitives
const getParameterDefinitions = () => [{ name: 'size', type: 'float', initial: 10, min: 1, max: 100 }]
const main = ({ size }) => cuboid({ size: [size, size, size] })
module.exports = { main, getParameterDefinitions }
`

/** What the old version calls the same things. */
const VERSIONS = [
  ['2.29', platform],
  ['2.18', oldPlatform],
]

for (const [version, { create }] of VERSIONS)
  describe(`platform SDK ${version}, signed in by password`, () => {
    let demo
    let sdk
    let user
    before(async () => {
      demo = await startDemo()
      sdk = create({ clientId: demo.info.client_id, baseUrl: demo.info.base_url })
    })
    after(() => demo?.stop())
    const signIn = (password = demo.info.account.password) => sdk.authorization.passwordGrant(demo.info.account.username, password)

    test('a wrong password is refused, and the right one signs in', async () => {
      await assert.rejects(signIn('wrong'))
      const { access_token: token } = await signIn()
      user = JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).sub
      assert.equal((await sdk.users.get(user)).data.email, demo.info.account.email)
    })

    test('models are listed, with their tickets', async () => {
      const listed = await sdk.models.query({ sorters: { created_at: 'desc' }, limit: 10 })
      assert.equal(listed.data.result.length, demo.info.models.length)
      const { data } = await sdk.models.get(listed.data.result[0].id, ['ticket'])
      assert.match(data.ticket.ticket, /^[0-9a-f]+-[0-9a-f]+$/)
    })

    test('a model is made, uploaded, checked, published and deleted', async () => {
      const created = (await sdk.models.create({ title: 'Cube of a test', filename: 'cube.js', ftype: 'gh', tags: ['test'], accessdomains: [] })).data
      assert.equal(created.status, 'start')
      const token = (await sdk.modelTokens.create({ id: created.id, scope: ['group.owner', 'group.view'] })).data
      const model = `${token.model_view_url}/api/v2/model/${token.guid}`
      const upload = (await request('GET', model, { token: token.access_token })).json.file.upload
      assert.equal((await request('PUT', upload, { body: CUBE, headers: { 'content-type': 'application/octet-stream' } })).status, 200)
      await until('the check of the model', async () => (await sdk.models.patch(created.id, {})).data.status === 'confirmed')
      assert.equal((await sdk.models.patch(created.id, { status: 'done' })).data.status, 'done')
      const found = await sdk.models.query({ filters: { 'title[%]': 'cube of', 'status[=]': 'done', 'deleted_at[?]': null }, limit: 5 })
      assert.deepEqual(found.data.result.map((one) => one.id), [created.id])
      await sdk.models.delete(created.id)
      await assert.rejects(sdk.models.get(created.id))
    })

    test('an access key is made, narrowed, used and deleted', async () => {
      const made = (await sdk.apiTokens.create({ description: 'test', scope: ['models-read'] })).data
      const other = create({ clientId: demo.info.client_id, baseUrl: demo.info.base_url })
      await other.authorization.passwordGrant(made.key_id, made.key_secret)
      assert.equal((await other.models.get(demo.info.models[0].slug)).data.slug, demo.info.models[0].slug)
      await assert.rejects(other.models.patch(demo.info.models[0].id, {}))
      assert.equal((await sdk.apiTokens.patch(made.key_id, { active: false })).data.active, false)
      await assert.rejects(other.models.get(demo.info.models[0].slug))
      await sdk.apiTokens.delete(made.key_id)
      assert.ok((await sdk.apiTokens.query({})).data.result.every((key) => key.key_id !== made.key_id))
    })

    test('a model is shared with a colleague who was invited by a link, and the organization ends', async () => {
      const organization = (await sdk.organizations.create({ name: 'Acme Ltd' })).data
      const invited = (await sdk.organizations.invitationByEmail(organization.id, 'colleague@example.com')).data
      const joined = await request('POST', `${demo.info.base_url}/api/v1/invitations/register`, {
        json: { token: invited.token, email: 'colleague@example.com', password: 'a long walk home', name: 'Colleague' },
      })
      assert.equal(joined.status, 200, String(joined.body))
      const other = create({ clientId: demo.info.client_id, baseUrl: demo.info.base_url })
      await other.authorization.passwordGrant('colleague@example.com', 'a long walk home')
      assert.equal((await other.organizations.get(organization.id)).data.name, 'Acme Ltd')
      const model = demo.info.models[1]
      await assert.rejects(other.models.get(model.slug))
      const share = { user_id: joined.json.data.id, model_id: model.id, policy_alias: 'SharedModelPolicyView' }
      const shared = (await sdk.modelSharing.create(share)).data
      assert.equal((await other.models.get(model.slug)).data.slug, model.slug)
      const listed = (await sdk.modelSharing.queryByModel(model.id)).data.result
      assert.deepEqual(listed.map((one) => one.policy_alias), ['SharedModelPolicyView'])
      const { result: given, pagination } = (await sdk.modelSharing.query({ embed: ['user', 'model'] })).data
      assert.deepEqual([given.map((one) => [one.id, one.user.id, one.model.id]), pagination.next_offset], [[[shared.id, share.user_id, model.id]], null])
      assert.deepEqual((await other.modelSharing.queryByUser(share.user_id)).data.result.map((one) => one.id), [shared.id])
      assert.deepEqual((await sdk.modelSharing.getByModelAndUser(model.id, share.user_id)).data.map((one) => one.policy_alias), ['SharedModelPolicyView'])
      // The old version has no call for it.
      if (sdk.modelSharing.copyModelSharings !== undefined) {
        const second = demo.info.models[2]
        const copied = (await sdk.modelSharing.copyModelSharings(model.id, second.id)).data
        assert.deepEqual(copied.map((one) => [one.model_id, one.user_id]), [[second.id, share.user_id]])
        assert.equal((await other.models.get(second.slug)).data.slug, second.slug)
        await other.modelSharing.delete(copied[0].id)
      }
      await sdk.modelSharing.delete(shared.id)
      await assert.rejects(other.models.get(model.slug))
      await assert.rejects(sdk.organizations.delete(organization.id))
      const leave = `${demo.info.base_url}/api/v1/organizations/${organization.id}/user/${joined.json.data.id}`
      assert.equal((await request('DELETE', leave, { token: (await signIn()).access_token })).status, 200)
      await sdk.organizations.delete(organization.id)
      await assert.rejects(sdk.organizations.get(organization.id))
    })

    test('domains of the account are changed', async () => {
      const patched = await sdk.users.patch(user, { global_accessdomains: ['www.shop.example.com'] })
      assert.deepEqual(patched.data.global_accessdomains.map((domain) => domain.name), ['www.shop.example.com'])
      await sdk.users.patch(user, { global_accessdomains: [] })
    })

    test('signing out ends it', async () => {
      await sdk.authorization.logout()
      await assert.rejects(sdk.models.query({ limit: 1 }))
    })
  })

describe('platform SDK', () => {
  let demo
  let sdk
  let user
  before(async () => {
    demo = await startDemo()
    sdk = create({ clientId: demo.info.client_id, baseUrl: demo.info.base_url })
  })
  after(() => demo?.stop())

  const signIn = (client) => client.authorization.passwordGrant(demo.info.access_key.key_id, demo.info.access_key.key_secret)
  const openAs = (url, ticket) =>
    request('POST', `${demo.info.base_url}/api/v2/ticket/${ticket}`, { headers: { origin: originOf(url) }, json: {} })

  test('a wrong secret is refused in a form that the SDK knows', async () => {
    const error = await sdk.authorization.passwordGrant(demo.info.access_key.key_id, 'wrong').then(
      () => assert.fail('the sign-in should have been refused'),
      (reason) => reason,
    )
    assert.ok(isPBInvalidGrantOAuthResponseError(error), String(error))
  })

  test('an access key signs in, and the token names its user', async () => {
    const signed = await signIn(sdk)
    assert.ok(signed.expires_in > 0)
    user = JSON.parse(Buffer.from(signed.access_token.split('.')[1], 'base64url')).sub
    assert.equal((await sdk.users.get(user)).data.id, user)
  })

  test('models are listed page by page', async () => {
    const seen = []
    let offset = null
    do {
      const page = await sdk.models.query({
        filters: { 'deleted_at[?]': null, 'status[=]': 'done', 'user_id[=]': user },
        sorters: { created_at: 'desc' },
        embed: ['user', 'backend_system'],
        limit: 2,
        strict_limit: true,
        offset,
      })
      for (const model of page.data.result) seen.push(model.slug)
      offset = page.data.pagination.next_offset
    } while (offset)
    assert.deepEqual(seen.sort(), demo.info.models.map((model) => model.slug).sort())
  })

  test('a model shows its tickets, and the shop opens a session by one', async () => {
    const { slug } = demo.info.models[0]
    const { data } = await sdk.models.get(slug, ['backend_system', 'ticket', 'backend_ticket', 'author_ticket', 'accessdomains'])
    assert.equal(data.backend_system.model_view_url, demo.info.base_url)
    for (const { ticket } of [data.ticket, data.backend_ticket, data.author_ticket]) {
      assert.match(ticket, /^[0-9a-f]+-[0-9a-f]+$/)
    }
    assert.equal((await openAs(demo.info.shop_url, data.ticket.ticket)).status, 201)
    assert.equal((await openAs(demo.info.stranger_url, data.ticket.ticket)).status, 403)
  })

  test('a token opens a session by the model', async () => {
    const { data } = await sdk.modelTokens.create({ id: demo.info.models[0].slug, scope: ['group.view', 'group.export'], lifetime: 600 })
    const api = new geometry.SessionApi(new geometry.Configuration({ basePath: data.model_view_url, accessToken: data.access_token }))
    const session = (await api.createSessionByModel(data.guid)).data
    await api.closeSession(session.sessionId)
  })

  test('domains that are patched count at once', async () => {
    const model = demo.info.models[1]
    const { data } = await sdk.models.get(model.slug, ['ticket'])
    assert.equal((await openAs(demo.info.shop_url, data.ticket.ticket)).status, 201)
    const patched = await sdk.models.patch(model.id, { accessdomains: ['other.example.com'] })
    assert.deepEqual(patched.data.accessdomains.map((domain) => domain.name), ['other.example.com'])
    assert.equal((await openAs(demo.info.shop_url, data.ticket.ticket)).status, 403)
  })

  test('a model that the account does not have is not found', async () => {
    const error = await sdk.models.get('nothing').then(
      () => assert.fail('there is no such model'),
      (reason) => reason,
    )
    assert.ok(isPBNotFoundResponseError(error), String(error))
  })

  test('three renewals at once all succeed, and a copied token ends the sign-in', async () => {
    const stored = { token: null }
    const tokenStorage = { getRefreshToken: () => stored.token, setRefreshToken: (token) => { stored.token = token } }
    const other = create({ clientId: demo.info.client_id, baseUrl: demo.info.base_url, tokenStorage })
    await signIn(other)
    const renew = (token) => request('POST', `${demo.info.base_url}/oauth/token`, { json: { grant_type: 'refresh_token', client_id: demo.info.client_id, refresh_token: token } })
    const first = await signIn(other)
    const answers = await Promise.all([1, 2, 3].map(() => renew(first.refresh_token)))
    assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 200])
    let newest = answers[2].json.refresh_token
    for (let turn = 0; turn < 2; turn += 1) newest = (await renew(newest)).json.refresh_token
    const copied = await renew(first.refresh_token)
    assert.deepEqual([copied.status, copied.json.error], [400, 'invalid_grant'])
    assert.equal((await renew(newest)).status, 400)
  })

  test('metrics tell what sessions cost', async () => {
    const { data } = await sdk.models.get(demo.info.models[0].slug, ['ticket'])
    assert.equal((await openAs(demo.info.shop_url, data.ticket.ticket)).status, 201)
    const metrics = await sdk.userCreditMetrics.query({ filters: { 'user_id[=]': user, 'timestamp_type[=]': 'month' }, sorters: { timestamp_date: 'asc' }, limit: 12 })
    const month = metrics.data.result.at(-1)
    assert.ok(month.data.limited.sessions.credits >= 1, JSON.stringify(month))
    const error = await sdk.userCreditMetrics.query({ filters: { 'nothing[=]': 1 } }).then(() => assert.fail('unknown filter'), (reason) => reason)
    assert.ok(isPBValidationResponseError(error), String(error))
  })

  test('a frame is given to the shop and refused to a stranger', async () => {
    const frame = (page) => request('POST', `${demo.info.base_url}/api/v1/models/iframe/${demo.info.models[0].slug}`, { headers: { origin: originOf(page) }, json: {} })
    const given = await frame(demo.info.shop_url)
    assert.equal(given.status, 200)
    assert.equal((await openAs(demo.info.shop_url, given.json.data.ticket)).status, 201)
    const refused = await frame(demo.info.stranger_url)
    assert.deepEqual([refused.status, refused.json.error.code], [403, 'origin-not-allowed'])
  })

  test('an application signs somebody in by PKCE, and ends with its registration', async () => {
    const root = create({ clientId: demo.info.client_id, baseUrl: demo.info.base_url })
    await root.authorization.passwordGrant(demo.info.account.username, demo.info.account.password)
    const back = 'https://app.example.com/back'
    const registered = (await root.apiClients.create({ client_name: 'Shop designer', redirect_uris: [back] })).data
    const verifier = 'v'.repeat(64)
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const { code } = await root.authorization.requestAuthorizationCode({
      redirect_uri: back, state: 'x', response_type: 'code', code_challenge: challenge, code_challenge_method: 'S256', client_id: registered.client_id,
    })
    const app = create({ clientId: registered.client_id, baseUrl: demo.info.base_url })
    const wrong = await app.authorization.authorizationCodePkce(code, 'w'.repeat(64), back).then(() => assert.fail('a wrong verifier'), (reason) => reason)
    assert.ok(isPBInvalidGrantOAuthResponseError(wrong), String(wrong))
    await app.authorization.authorizationCodePkce(code, verifier, back)
    assert.equal((await app.models.query({ limit: 10 })).data.result.length, demo.info.models.length)
    await root.apiClients.delete(registered.client_id)
    await assert.rejects(app.models.query({ limit: 1 }))
  })

  test('signing out ends the token', async () => {
    const other = create({ clientId: demo.info.client_id, baseUrl: demo.info.base_url })
    const { access_token: token } = await signIn(other)
    const look = () => request('GET', `${demo.info.base_url}/api/v1/users/${user}`, { token })
    assert.equal((await look()).status, 200)
    await other.authorization.logout()
    assert.equal((await look()).status, 401)
  })
})
