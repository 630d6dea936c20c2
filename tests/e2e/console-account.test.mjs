// What an account has beside its models: access keys, usage and caps, the organization, and its own settings.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { keep, launch } from './lib/chromium.mjs'
import { LOOKS, assertAccessible, assertFits, assertQuiet, confirm, signedIn, tabTo, to } from './lib/console.mjs'
import { request } from './lib/http.mjs'
import { originOf } from './lib/journey.mjs'
import { run, startDemo, until } from './lib/server.mjs'

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
    await line.getByText(/last used just now/).waitFor({ state: 'attached' }).catch(() => undefined)
    await page.getByRole('switch', { name: 'Sign in with Night build' }).click()
    await page.getByText('Night build is off').waitFor()
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

  test('a cap that is reached is seen in the console, and the shop is refused with its name', async () => {
    const model = demo.info.models[2]
    await run(['cap', 'set', `model:${model.id}`, '--per', 'day', '--credits', '1', '--data', demo.data])
    assert.equal((await open(model)).status, 201)
    const refused = await open(model)
    assert.equal(refused.status, 403)
    assert.match((await refused.json()).message, /cap/i)
    const visited = await enter()
    const { page } = visited
    await go(page, 'models', model.slug, 'usage')
    await page.getByText('This model: 1 credit a day').waitFor()
    await page.getByText(/^Reached/).waitFor()
    assert.equal(await page.getByRole('progressbar', { name: 'This model' }).getAttribute('value'), '100')
    await assertAccessible(page, 'a cap that is reached')
    await keep(page, 'console-cap')
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
      for (const parts of [['keys'], ['usage'], ['organization'], ['account'], ['models', demo.info.models[1].slug, 'usage']]) {
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
