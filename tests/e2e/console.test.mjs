// The console in a real Chromium: an owner's way from the first page to a model that a shop shows, and what it tells when something is
// refused.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { keep, launch, modelVisible, openPage } from './lib/chromium.mjs'
import { originOf } from './lib/journey.mjs'
import { startDemo, until } from './lib/server.mjs'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const AXE_RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true }
const TABS = ['preview', 'pages', 'embed', 'controls', 'settings', 'sessions', 'trail']

describe('the console', () => {
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

  const slug = () => demo.info.models[0].slug
  const at = (...parts) => `${demo.info.base_url}/#/${parts.join('/')}`

  async function visit(options) {
    const visited = await openPage(browser, options)
    await visited.page.goto(`${demo.info.base_url}/`)
    return visited
  }

  async function signedIn(options) {
    const visited = await visit(options)
    await visited.page.getByLabel('E-mail address').fill(demo.info.account.email)
    await visited.page.getByLabel('Password').fill(demo.info.account.password)
    await visited.page.getByRole('button', { name: 'Sign in' }).click()
    await visited.page.getByRole('heading', { name: 'Models' }).waitFor()
    return visited
  }

  /** Changes the place as a link of the page would. */
  async function to(page, ...parts) {
    await page.goto(at(...parts))
    await page.locator('.bone').first().waitFor({ state: 'detached' })
    await page.locator('h1').waitFor()
  }

  async function assertAccessible(page, where) {
    await page.evaluate(AXE)
    const violations = await page.evaluate(async (rules) => {
      const { violations } = await axe.run(document, { runOnly: rules })
      return violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.target.join(' ')).join(', ')})`)
    }, AXE_RULES)
    assert.deepEqual(violations, [], where)
  }

  async function assertFits(page, where) {
    const { scroll, client } = await page.evaluate(() => ({
      scroll: document.scrollingElement.scrollWidth,
      client: document.scrollingElement.clientWidth,
    }))
    assert.ok(scroll <= client, `${where} is ${scroll} pixels wide in a window of ${client}`)
  }

  const assertQuiet = ({ seen }) => {
    assert.deepEqual(seen.errors, [], 'errors on the console')
    const own = [demo.info.base_url, demo.info.content_url].map((url) => new URL(url).host)
    assert.deepEqual([...seen.hosts].filter((host) => !own.includes(host)), [], 'requests to other hosts')
  }

  test('a wrong secret is refused in words, and the content origin sends visitors on', async () => {
    const visited = await visit({ expected: (text) => text.includes('/oauth/token') })
    const { page } = visited
    await page.getByLabel('E-mail address').fill(demo.info.access_key.key_id)
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
    await assertAccessible(page, 'sign-in')
    await keep(page, 'console-sign-in')
    await page.goto(`${demo.info.content_url}/`)
    assert.equal(new URL(page.url()).origin, new URL(demo.info.base_url).origin)
    assertQuiet(visited)
    await visited.context.close()
  })

  test('a sign-in outlives a reload, and signing out ends it', async () => {
    const visited = await signedIn()
    const { page } = visited
    await page.reload()
    await page.getByRole('heading', { name: 'Models' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('E-mail address').waitFor()
    await page.reload()
    await page.getByLabel('E-mail address').waitFor()
    assertQuiet(visited)
    await visited.context.close()
  })

  test('the models stand there as cards, and one of them in the viewer', async () => {
    const visited = await signedIn()
    const { page } = visited
    const cards = page.locator('.card')
    await until('each model has its card', async () => (await cards.count()) === demo.info.models.length)
    await until('the pictures are there', () =>
      page.locator('.card img').evaluateAll((images) => images.length === 3 && images.every((image) => image.naturalWidth > 0)),
    )
    await keep(page, 'console-models')
    await page.getByRole('link', { name: demo.info.models[0].title }).click()
    await modelVisible(page)
    await keep(page, 'console-model')
    assertQuiet(visited)
    await visited.context.close()
  })

  test('an address is tried, refused with its reason, allowed by one click, and then a page there shows the model', async () => {
    const visited = await signedIn()
    const { page } = visited
    await to(page, 'models', slug(), 'pages')
    const stranger = originOf(demo.info.stranger_url)
    await page.getByLabel('Address of the page').fill(`${stranger}/lamps?x`)
    await page.getByRole('button', { name: 'Try', exact: true }).click()
    await page.getByText('Refused.').waitFor()
    assert.match(await page.locator('.notice.bad').innerText(), /may not be shown on/)
    await assertAccessible(page, 'a refusal')
    await keep(page, 'console-refusal')
    await page.getByRole('button', { name: /^Allow 127/ }).click()
    await page.getByText('is allowed from now on').waitFor()

    const shop = await openPage(browser)
    await shop.page.goto(demo.info.stranger_url)
    await modelVisible(shop.page)
    await shop.context.close()

    const entry = new URL(stranger).host
    await page.getByRole('button', { name: `Remove ${entry}` }).click()
    await page.getByText('is refused from now on').waitFor()
    const refused = await openPage(browser, { expected: () => true })
    await refused.page.goto(demo.info.stranger_url)
    await refused.page.getByText(/may not be shown on/).first().waitFor()
    await refused.context.close()

    await to(page, 'models', slug(), 'trail')
    const line = page.locator('.trail li', { hasText: stranger }).first()
    await line.waitFor()
    const request = (await line.locator('code').innerText()).trim()
    await page.getByLabel('Request id').fill(request)
    await page.getByRole('button', { name: 'Look it up' }).click()
    await until('one decision is left', async () => (await page.locator('.trail li').count()) === 1)
    assert.match(await page.locator('.trail').innerText(), /may not be shown on/)
    await keep(page, 'console-trail')
    assertQuiet(visited)
    await visited.context.close()
  })

  test('what is written as a domain is explained by the server before it is saved', async () => {
    const visited = await signedIn()
    const { page } = visited
    await to(page, 'models', slug(), 'pages')
    const field = page.getByLabel('Add a domain')
    await field.fill('*.co.uk')
    await page.getByText('anybody can have a name under this suffix').waitFor()
    assert.ok(await page.getByRole('button', { name: 'Allow', exact: true }).isDisabled())
    await field.fill('HTTPS://Shop.Example.com/')
    await page.getByText('is saved as shop.example.com').waitFor()
    await field.press('Enter')
    await page.getByRole('button', { name: 'Remove shop.example.com' }).click()
    assertQuiet(visited)
    await visited.context.close()
  })

  test('a ticket that is revoked and a session that is ended stop the shop page', async () => {
    const visited = await signedIn()
    const { page } = visited
    const shop = await openPage(browser, { expected: () => true })
    await shop.page.goto(demo.info.shop_url)
    await modelVisible(shop.page)
    await to(page, 'models', slug(), 'sessions')
    const place = originOf(demo.info.shop_url)
    const line = page.locator('.lines li', { hasText: place })
    await line.first().waitFor()
    await keep(page, 'console-sessions')

    // The page's ticket first: without it no other session takes the ended one's place.
    await to(page, 'models', slug(), 'embed')
    for (;;) {
      const revoke = page.getByRole('button', { name: /^Revoke the embedding ticket/ })
      const count = await revoke.count()
      if (count === 0) break
      await revoke.first().click()
      await page.getByRole('button', { name: 'Revoke the ticket' }).locator('visible=true').click()
      await until('the ticket is no longer live', async () => (await revoke.count()) < count)
    }
    await shop.page.locator('vitrine-viewer input[type=range]').first().focus()
    await shop.page.keyboard.press('End')
    await shop.page.getByText(/was revoked/).first().waitFor()
    await keep(shop.page, 'console-revoked-shop')
    await shop.context.close()

    await page.getByRole('button', { name: 'Make one' }).click()
    await page.getByRole('region', { name: 'element' }).waitFor()
    await keep(page, 'console-embed')
    assertQuiet(visited)
    await visited.context.close()
  })

  test('a session is ended from the list', async () => {
    const visited = await signedIn()
    const { page } = visited
    const model = demo.info.models[1]
    const shop = await openPage(browser, { expected: () => true })
    await shop.page.goto(`${demo.info.shop_url}/#${model.slug}`)
    await modelVisible(shop.page)
    const session = shop.seen.sessions.at(-1)
    await to(page, 'models', model.slug, 'sessions')
    await page.getByRole('button', { name: /^End the session of/ }).first().click()
    await page.getByRole('button', { name: 'End the session', exact: true }).locator('visible=true').click()
    await page.getByText('The session has ended.').waitFor()
    const answer = await fetch(`${demo.info.base_url}/api/v2/session/${session}/default`)
    assert.equal(answer.status, 410)
    await shop.context.close()
    assertQuiet(visited)
    await visited.context.close()
  })

  test('name and switches are saved, and each way in follows its switch', async () => {
    const visited = await signedIn()
    const { page } = visited
    const model = demo.info.models[2]
    await to(page, 'models', model.slug, 'settings')
    await page.getByLabel('Title').fill('Lamp <b>of light</b>')
    await page.getByRole('button', { name: 'Save the name' }).click()
    await page.getByRole('heading', { name: 'Lamp <b>of light</b>' }).waitFor()
    const open = () =>
      fetch(`${demo.info.base_url}/api/v2/ticket/${model.embedding_ticket}`, { method: 'POST', headers: { origin: originOf(demo.info.shop_url) } })
    assert.equal((await open()).status, 201)
    await page.getByRole('switch', { name: 'Strong authorization' }).click()
    await page.getByText('A token is needed from now on.').waitFor()
    assert.equal((await open()).status, 401)
    await page.getByRole('switch', { name: 'Strong authorization' }).click()
    await page.getByText('The ticket is enough again.').waitFor()
    assert.equal((await open()).status, 201)
    assertQuiet(visited)
    await visited.context.close()
  })

  test('a control gets another name and place, and the chosen values become the defaults', async () => {
    const visited = await signedIn()
    const { page } = visited
    const model = demo.info.models[1]
    await to(page, 'models', model.slug, 'controls')
    const first = page.locator('.controls').first().locator('li').first()
    await first.locator('summary').click()
    await first.getByLabel('Name to show').fill('How long it is')
    await page.getByRole('button', { name: 'Move How long it is down' }).click()
    await page.getByText('How long it is is number 2').waitFor()
    await page.getByRole('button', { name: 'Save parameters' }).click()
    await until('it is saved', () => page.getByRole('button', { name: 'Save parameters' }).isDisabled())
    await assertAccessible(page, 'controls')
    await keep(page, 'console-controls')
    await to(page, 'models', model.slug, 'preview')
    await modelVisible(page)
    const labels = await page.locator('vitrine-viewer label').allInnerTexts()
    assert.equal(labels.findIndex((label) => label.includes('How long it is')), 1, labels.join(', '))
    const slider = page.locator('vitrine-viewer input[type=range]').nth(1)
    const known = visited.seen.versions.at(-1)
    await slider.focus()
    await page.keyboard.press('End')
    await until('the geometry changes', () => visited.seen.versions.at(-1) !== known, { ms_max: 60_000 })
    const chosen = await slider.inputValue()
    await page.getByRole('button', { name: 'Make these the default values' }).click()
    await page.getByText('opens with these values').waitFor()
    await page.reload()
    await modelVisible(page)
    assert.equal(await slider.inputValue(), chosen)
    assertQuiet(visited)
    await visited.context.close()
  })

  test('a sign-in is ended from the account page', async () => {
    const other = await signedIn({ expected: () => true })
    const visited = await signedIn({ expected: (text) => text.includes('401') || text.includes('400') })
    const { page } = visited
    await to(page, 'account')
    for (;;) {
      const end = page.getByRole('button', { name: /^End the sign-in of/ })
      const count = await end.count()
      if (count <= 1) break
      await end.last().click()
      await page.getByRole('button', { name: 'End the sign-in', exact: true }).locator('visible=true').click()
      await until('one less', async () => (await end.count()) < count)
    }
    await other.page.goto(at('models', slug(), 'settings'))
    await other.page.getByText('Your sign-in has ended').waitFor()
    await other.context.close()
    await visited.context.close()
  })

  for (const [name, options] of [
    ['wide', {}],
    ['phone', PHONE],
    ['dark', { colorScheme: 'dark' }],
  ]) {
    test(`every page is accessible and fits: ${name}`, async () => {
      const visited = await signedIn(options)
      const { page } = visited
      const places = [['models'], ...TABS.map((tab) => ['models', demo.info.models[1].slug, tab]), ['account'], ['nowhere']]
      for (const parts of places) {
        await to(page, ...parts)
        const where = `${parts.join('-')} ${name}`
        await assertAccessible(page, where)
        await assertFits(page, where)
        await keep(page, `console-${where.replaceAll(' ', '-')}`)
      }
      assertQuiet(visited)
      await visited.context.close()
    })
  }

  test('signing in and allowing a domain need no mouse', async () => {
    const visited = await visit()
    const { page } = visited
    await page.getByLabel('E-mail address').waitFor()
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '')
    await page.keyboard.press('Tab')
    await page.keyboard.type(demo.info.access_key.key_id)
    await page.keyboard.press('Tab')
    await page.keyboard.type(demo.info.access_key.key_secret)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Models' }).waitFor()
    const tabTo = async (wanted) => {
      for (let presses = 0; presses < 40; presses++) {
        if ((await focused()).trim().startsWith(wanted)) return
        await page.keyboard.press('Tab')
      }
      assert.fail(`40 presses of Tab did not reach ${wanted}`)
    }
    await tabTo(demo.info.models[1].title)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Allowed pages' }).waitFor()
    await tabTo('Allowed pages')
    await page.keyboard.press('Enter')
    await page.getByLabel('Add a domain').waitFor()
    for (let presses = 0; presses < 40; presses++) {
      if (await page.getByLabel('Add a domain').evaluate((field) => field === document.activeElement)) break
      await page.keyboard.press('Tab')
    }
    await page.keyboard.type('keyboard.example')
    await page.keyboard.press('Enter')
    await page.getByText('keyboard.example is allowed from now on.').waitFor()
    assertQuiet(visited)
    await visited.context.close()
  })
})
