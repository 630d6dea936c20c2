// What an account has beside its models: access keys, usage, the organization, and its own settings.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { keep, launch } from './lib/chromium.mjs'
import { LOOKS, assertAccessible, assertFits, assertQuiet, confirm, signedIn, tabTo, to, visit } from './lib/console.mjs'
import { request } from './lib/http.mjs'
import { originOf } from './lib/journey.mjs'
import { run, startDemo, until } from './lib/server.mjs'

/** The code of an authenticator program now (RFC 6238). */
function codeNow(base32) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...base32.trim()].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const digest = createHmac('sha1', key).update(step).digest()
  const code = digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff
  return String(code % 1_000_000).padStart(6, '0')
}

describe('the account in the console', () => {
  let demo
  let browser
  before(async () => {
    demo = await startDemo()
    browser = await launch()
  })
  after(async () => {
    await browser?.close()
    await demo?.stop()
  })

  const enter = (options, who) => signedIn(browser, demo, options, who)
  const go = (page, ...parts) => to(page, demo, ...parts)
  const open = (model = demo.info.models[0]) =>
    fetch(`${demo.info.base_url}/api/v2/ticket/${model.embedding_ticket}`, { method: 'POST', headers: { origin: originOf(demo.info.shop_url) } })
  const signInByKey = (id, secret) =>
    request('POST', `${demo.info.base_url}/oauth/token`, {
      json: { grant_type: 'password', client_id: demo.info.client_id, username: id, password: secret },
    })
  const listModels = (token) => request('POST', `${demo.info.base_url}/api/v1/models/query`, { token, json: { limit: 1 } })

  test('an access key is made, shown once, used, turned off, replaced and revoked', async () => {
    const visited = await enter()
    const { page } = visited
    await go(page, 'keys')
    await page.getByLabel('What it is for').fill('Night build')
    await page.getByRole('checkbox', { name: 'Ask for access tokens' }).uncheck()
    await page.getByRole('button', { name: 'Make a key' }).click()
    const shown = page.getByRole('region', { name: 'The new key' })
    const [id, secret] = [await shown.getByRole('region', { name: 'key id' }).innerText(), await shown.getByRole('region', { name: 'key secret' }).innerText()]
    await assertAccessible(page, 'a new key')
    await keep(page, 'console-new-key')
    const signed = await signInByKey(id.trim(), secret.trim())
    assert.equal(signed.status, 200)
    assert.equal((await listModels(signed.json.access_token)).status, 200)
    const tokens = await request('POST', `${demo.info.base_url}/api/v1/tokens`, { token: signed.json.access_token, json: { id: demo.info.models[0].id, scope: ['group.view'] } })
    assert.equal(tokens.status, 403)
    await shown.getByRole('button', { name: 'I have kept it' }).click()
    await until('the secret is gone', async () => !(await page.content()).includes(secret.trim()))

    const line = page.locator('.lines li', { hasText: id.trim() })
    await page.getByRole('switch', { name: 'Sign in with Night build' }).click()
    await page.getByText('Night build is off').waitFor()
    await line.getByText(/last used just now/).waitFor()
    assert.equal((await listModels(signed.json.access_token)).status, 401)
    await page.getByRole('switch', { name: 'Sign in with Night build' }).click()
    await page.getByText('signs in again').waitFor()

    await page.getByRole('button', { name: 'Replace Night build' }).click()
    await page.getByText('good for 7 more days').waitFor()
    await page.getByRole('button', { name: 'I have kept it' }).click()
    const revoke = page.getByRole('button', { name: 'Revoke Night build' })
    assert.equal(await revoke.count(), 2)
    for (let left = 1; left >= 0; left--) {
      await revoke.first().click()
      await confirm(page, 'Revoke the key')
      await until('one key less', async () => (await revoke.count()) === left)
    }
    assert.equal((await signInByKey(id.trim(), secret.trim())).status, 400)
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('what a session cost stands in the plot and in its table, by day, by month and by model', async () => {
    assert.equal((await open()).status, 201)
    const visited = await enter()
    const { page } = visited
    await go(page, 'usage')
    await page.locator('.chart .bar').last().waitFor({ state: 'attached' })
    const today = async () => Number(await page.locator('.chart .bar').last().getAttribute('height'))
    assert.ok((await today()) > 0)
    await page.getByText('The numbers as a table').click()
    const row = page.getByRole('row').nth(1)
    const [sessions] = (await row.getByRole('cell').allInnerTexts()).map(Number)
    assert.ok(sessions >= 1, await row.innerText())
    await page.getByRole('radio', { name: 'by month' }).check()
    await page.getByText('in 12 months').waitFor()
    assert.equal(await page.locator('.chart .bar').count(), 12)
    await page.getByRole('link', { name: demo.info.models[0].title }).click()
    await page.locator('.chart .bar').last().waitFor({ state: 'attached' })
    await keep(page, 'console-model-usage')
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('somebody makes an organization, owns it, and is the only one in it', async () => {
    const made = JSON.parse(await run(['user', 'create', 'anna@example.com', '--name', 'Anna', '--data', demo.data]))
    const anna = { email: 'anna@example.com', password: made.password }
    const visited = await enter({}, anna)
    const { page } = visited
    await page.getByText('No models yet').waitFor()
    await assertAccessible(page, 'no models')
    await keep(page, 'console-empty')
    await go(page, 'organization')
    await page.getByText('You belong to no organization').waitFor()
    await page.getByLabel('Name of the organization').fill('Lamps & Sons')
    await page.getByRole('button', { name: 'Make an organization' }).click()
    await page.getByRole('heading', { name: 'Lamps & Sons' }).waitFor()
    await page.getByText('1 seat is taken').waitFor()
    await page.getByLabel('Add a domain').fill('lamps.example.com')
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByText('lamps.example.com is allowed from now on').waitFor()
    await page.getByRole('switch', { name: 'Strong authorization for all' }).click()
    await page.getByText('Every model asks for a token now.').waitFor()
    await assertAccessible(page, 'an organization')
    await keep(page, 'console-organization')
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('a second factor is set up, asked for with the next sign-in, and turned off by a recovery code', async () => {
    const made = JSON.parse(await run(['user', 'create', 'cleo@example.com', '--name', 'Cleo', '--data', demo.data]))
    const cleo = { email: 'cleo@example.com', password: made.password }
    const visited = await enter({ expected: (text) => text.includes('/oauth/token') }, cleo)
    const { page } = visited
    const panel = page.getByRole('region', { name: 'Second factor' })
    await go(page, 'account')
    await panel.getByLabel('Your password').fill(cleo.password)
    await panel.getByRole('button', { name: 'Set up a second factor' }).click()
    await panel.getByRole('img', { name: 'The key for your authenticator program' }).waitFor()
    await assertAccessible(page, 'a second factor that is set up')
    await panel.scrollIntoViewIfNeeded()
    await keep(page, 'console-second-factor')
    await panel.getByLabel('Code that the program shows').fill(codeNow(await panel.getByRole('region', { name: 'authenticator key' }).innerText()))
    await panel.getByRole('button', { name: 'Turn it on' }).click()
    const codes = (await page.getByRole('region', { name: 'recovery codes', exact: true }).innerText()).trim().split(/\s+/)
    assert.equal(codes.length, 10)
    await assertAccessible(page, 'recovery codes')
    await page.getByRole('button', { name: 'I have kept it' }).click()
    await panel.getByText('10 recovery codes are left.').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('E-mail address').fill(cleo.email)
    await page.getByLabel('Password').fill(cleo.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByLabel('Code').fill(codes[0])
    await page.getByRole('button', { name: 'Sign in' }).click()
    await panel.getByText('9 recovery codes are left.').waitFor()
    await panel.getByText('Turn it off').click()
    await panel.getByLabel('Your password').fill(cleo.password)
    await panel.getByLabel('Code, or a recovery code').fill(codes[1])
    await panel.getByRole('button', { name: 'Turn the second factor off' }).click()
    await panel.getByText('The second factor is off.').waitFor()
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('an administrator invites by a link, and shares a model with whoever came by it', async () => {
    const made = JSON.parse(await run(['user', 'create', 'dora@example.com', '--name', 'Dora', '--data', demo.data]))
    const visited = await enter({}, { email: 'dora@example.com', password: made.password })
    const { page } = visited
    await go(page, 'organization')
    await page.getByLabel('Name of the organization').fill('Doors of Dora')
    await page.getByRole('button', { name: 'Make an organization' }).click()
    await page.getByLabel('Whom to invite').fill('emil@example.com')
    await page.getByRole('button', { name: 'Make an invitation' }).click()
    const link = (await page.getByRole('region', { name: 'invitation link' }).innerText()).trim()
    await page.getByRole('button', { name: 'Withdraw the invitation of emil@example.com' }).waitFor()
    await assertAccessible(page, 'an invitation')
    await keep(page, 'console-invitation')
    const emil = await visit(browser, demo)
    await emil.page.goto(link)
    await emil.page.getByLabel('E-mail address').fill('emil@example.com')
    await emil.page.getByLabel('Name', { exact: true }).fill('Emil')
    await emil.page.getByLabel('Password').fill('a sentence that only Emil knows')
    await assertAccessible(emil.page, 'you are invited')
    await emil.page.getByRole('button', { name: 'Make the account and join' }).click()
    await emil.page.getByRole('heading', { name: 'Models', exact: true }).waitFor()
    assertQuiet(demo, emil)
    await go(emil.page, 'account')
    const id = await emil.page.locator('.facts code').first().innerText()
    const owner = await enter()
    await go(owner.page, 'models', demo.info.models[2].slug, 'sharing')
    await owner.page.getByLabel('The user’s id').fill(id)
    await owner.page.getByRole('button', { name: 'Share it' }).click()
    await owner.page.getByText('may look at it').waitFor()
    await owner.page.getByRole('switch', { name: 'Share it by a link' }).click()
    const shared = (await owner.page.getByRole('region', { name: 'link', exact: true }).innerText()).trim()
    await assertAccessible(owner.page, 'a shared model')
    await keep(owner.page, 'console-sharing')
    // By the share alone: who may not download is asked for no right to.
    await go(emil.page, 'models')
    await emil.page.getByRole('link', { name: demo.info.models[2].title }).click()
    await emil.page.locator('vitrine-viewer input[type=range]').first().waitFor()
    // By the link, as somebody with whom nothing was shared.
    await page.goto(shared)
    await page.locator('vitrine-viewer input[type=range]').first().waitFor()
    await owner.page.getByRole('button', { name: 'Stop sharing with Emil' }).click()
    await confirm(owner.page, 'Stop sharing it')
    await owner.page.getByText('Shared with nobody yet').waitFor()
    for (const one of [visited, owner]) assertQuiet(demo, one)
    for (const one of [visited, owner, emil]) await one.context.close()
  })

  test('the password is changed, and the old one signs in no longer', async () => {
    const made = JSON.parse(await run(['user', 'create', 'bert@example.com', '--name', 'Bert', '--data', demo.data]))
    const visited = await enter({ expected: (text) => text.includes('/api/v1/users/') }, { email: 'bert@example.com', password: made.password })
    const { page } = visited
    await go(page, 'account')
    await page.getByLabel('Present password').fill('not this one')
    await page.getByLabel('New password', { exact: true }).fill('a much better password')
    await page.getByLabel('New password again').fill('a much better passwort')
    await page.getByText('This differs from the new password.').waitFor()
    await page.getByLabel('New password again').fill('a much better password')
    await page.getByRole('button', { name: 'Change the password' }).click()
    await page.getByText('The present password is wrong.').waitFor()
    await page.getByLabel('Present password').fill(made.password)
    await page.getByRole('button', { name: 'Change the password' }).click()
    await page.getByText('The password is changed.').waitFor()
    assert.equal((await signInByKey('bert@example.com', made.password)).status, 400)
    assert.equal((await signInByKey('bert@example.com', 'a much better password')).status, 200)
    await visited.context.close()
  })

  test('a key is made and kept without a mouse', async () => {
    const visited = await enter()
    const { page } = visited
    await tabTo(page, 'Access keys')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Access keys', level: 1 }).waitFor()
    await page.getByLabel('What it is for').waitFor()
    await tabTo(page, 'What it is for')
    await page.keyboard.type('Typed')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'The new key' }).waitFor()
    await tabTo(page, 'I have kept it')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'The new key' }).waitFor({ state: 'detached' })
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  for (const [name, options] of LOOKS) {
    test(`the pages of the account are accessible and fit: ${name}`, async () => {
      const visited = await enter(options)
      const { page } = visited
      for (const parts of [['keys'], ['usage'], ['organization'], ['account'], ['models', demo.info.models[1].slug, 'usage'], ['models', demo.info.models[1].slug, 'sharing']]) {
        await go(page, ...parts)
        const where = `${parts.join('-')} ${name}`
        await assertAccessible(page, where)
        await assertFits(page, where)
        await keep(page, `account-${where.replaceAll(' ', '-')}`)
      }
      assertQuiet(demo, visited)
      await visited.context.close()
    })
  }
})
