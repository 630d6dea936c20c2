// What administrators of the server have in the console, and nobody else: health, keys, plans, partners.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { keep, launch } from './lib/chromium.mjs'
import { LOOKS, assertAccessible, assertFits, assertQuiet, confirm, signedIn, to } from './lib/console.mjs'
import { request } from './lib/http.mjs'
import { run, startDemo, until } from './lib/server.mjs'

describe('administrators in the console', () => {
  let demo
  let browser
  let admin
  before(async () => {
    demo = await startDemo()
    browser = await launch()
    const made = JSON.parse(await run(['user', 'create', 'root@example.com', '--name', 'Root', '--admin', '--data', demo.data]))
    admin = { email: 'root@example.com', password: made.password }
  })
  after(async () => {
    await browser?.close()
    await demo?.stop()
  })

  const enter = (options) => signedIn(browser, demo, options, admin)
  const go = (page, ...parts) => to(page, demo, ...parts)

  test('an ordinary account sees no pages for administrators, and is refused by their addresses', async () => {
    const made = JSON.parse(await run(['user', 'create', 'ann@example.com', '--data', demo.data]))
    const visited = await signedIn(browser, demo, { expected: (text) => text.includes('403') }, { email: 'ann@example.com', password: made.password })
    const { page } = visited
    await page.getByRole('link', { name: 'Access keys' }).waitFor()
    assert.equal(await page.getByRole('link', { name: 'Server' }).count(), 0)
    await go(page, 'server')
    await page.getByText('Only administrators of this server may do this.').first().waitFor()
    await assertAccessible(page, 'a refused administrator')
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('health and workers are told, and a signing key is rotated', async () => {
    const visited = await enter()
    const { page } = visited
    await page.getByRole('link', { name: 'Server' }).click()
    await page.getByText('database and change feed').waitFor()
    await page.getByText('Jobs that wait').waitFor()
    await page.getByRole('button', { name: 'Make a new key' }).click()
    await page.getByText('A new key signs from').waitFor()
    await page.getByText('Published, signs soon').waitFor()
    const published = await request('GET', `${demo.info.base_url}/.well-known/jwks.json`)
    assert.equal(published.json.keys.length, 2)
    await page.getByRole('button', { name: /^Retire the key/ }).first().click()
    await confirm(page, 'Retire the key')
    await page.getByText('The key has ended').waitFor()
    await keep(page, 'console-server')
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('an account is found and gets another plan', async () => {
    const visited = await enter({ expected: (text) => text.includes('404') })
    const { page } = visited
    await go(page, 'server')
    await page.getByLabel('Account', { exact: true }).fill('nobody@example.com')
    await page.getByRole('button', { name: 'Find' }).click()
    await page.getByText('There is no such user.').waitFor()
    await page.getByLabel('Account', { exact: true }).fill('root@example.com')
    await page.getByRole('button', { name: 'Find' }).click()
    await page.getByLabel('Plan', { exact: true }).selectOption('business')
    await page.getByText('Root has the plan business now.').waitFor()
    await go(page, 'account')
    await page.getByText('business: 20 domains').waitFor()
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('a partner is made, its key is used, replaced and revoked, and it is blocked', async () => {
    const visited = await enter()
    const { page } = visited
    const generate = (key) => request('POST', `${demo.info.base_url}/generate`, { headers: { 'x-api-key': key }, json: { file: 'a.dxf', userId: '7' } })
    await go(page, 'partners')
    await page.getByLabel('Name', { exact: true }).fill('Acme Drawings')
    await page.getByLabel('Page that may frame the editor').fill('cad.example.com')
    await page.getByRole('button', { name: 'Make a partner' }).click()
    const secret = () => page.getByRole('region', { name: 'partner key' }).innerText()
    const first = (await secret()).trim()
    assert.equal((await generate(first)).status, 200)
    await page.getByRole('button', { name: 'I have kept it' }).click()
    await page.getByRole('button', { name: 'Make a new key for Acme Drawings' }).click()
    const second = (await secret()).trim()
    assert.deepEqual([(await generate(first)).status, (await generate(second)).status], [200, 200])
    await page.getByRole('button', { name: 'I have kept it' }).click()
    const revoke = page.getByRole('button', { name: `Revoke the key of Acme Drawings that ends with ${first.slice(-4)}` })
    await revoke.click()
    await confirm(page, 'Revoke the key')
    await until('the key is gone', async () => (await revoke.count()) === 0)
    assert.equal((await generate(first)).status, 403)
    await page.getByRole('switch', { name: 'Block Acme Drawings' }).click()
    await page.getByText('Blocked', { exact: true }).waitFor()
    assert.equal((await generate(second)).status, 403)
    await assertAccessible(page, 'partners')
    await keep(page, 'console-partners')
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  for (const [name, options] of LOOKS) {
    test(`the pages for administrators are accessible and fit: ${name}`, async () => {
      const visited = await enter(options)
      const { page } = visited
      for (const area of ['partners', 'server']) {
        await go(page, area)
        await assertAccessible(page, `${area} ${name}`)
        await assertFits(page, `${area} ${name}`)
        await keep(page, `operator-${area}-${name}`)
      }
      assertQuiet(demo, visited)
      await visited.context.close()
    })
  }
})
