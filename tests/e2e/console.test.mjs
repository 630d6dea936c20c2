// The console in a real Chromium: an owner's way from the first page to a model that a shop shows, and what it tells when something is
// refused.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { keep, launch, modelVisible, openPage } from './lib/chromium.mjs'
import { LOOKS, confirm, tabTo } from './lib/console.mjs'
import { request } from './lib/http.mjs'
import { originOf } from './lib/journey.mjs'
import { run, startDemo, until } from './lib/server.mjs'

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

  async function signedIn(options, { email, password } = demo.info.account) {
    const visited = await visit(options)
    await visited.page.getByLabel('E-mail address').fill(email)
    await visited.page.getByLabel('Password').fill(password)
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

  test('caps are told as none, in part and as reached, and a reached one refuses the shop by its name', async () => {
    const model = demo.info.models[2]
    const open = () => request('POST', `${demo.info.base_url}/api/v2/ticket/${model.embedding_ticket}`, { headers: { origin: originOf(demo.info.shop_url) } })
    const visited = await signedIn()
    const { page } = visited
    await to(page, 'models', model.slug, 'usage')
    await page.getByText('No cap is set.').waitFor()
    await run(['cap', 'set', `model:${model.id}`, '--per', 'month', '--credits', '1', '--data', demo.data])
    await until('the cap is reached', async () => (await open()).status === 403)
    assert.match(JSON.stringify((await open()).json), /cap/i)
    await page.reload()
    await page.getByText('This model: 1 credit a month').waitFor()
    await page.getByText(/^Reached/).waitFor()
    assert.equal(await page.getByRole('progressbar', { name: 'This model' }).getAttribute('value'), '100')
    await page.getByText(/^Reached/).scrollIntoViewIfNeeded()
    await assertAccessible(page, 'a cap that is reached')
    await keep(page, 'console-cap')
    assertQuiet(visited)
    await visited.context.close()
  })

  describe('for administrators of the server', () => {
    let admin
    before(async () => {
      const made = JSON.parse(await run(['user', 'create', 'root@example.com', '--name', 'Root', '--admin', '--data', demo.data]))
      admin = { email: 'root@example.com', password: made.password }
    })
    const enter = (options) => signedIn(options, admin)
    const refusals = { expected: (text) => text.includes('403') }

    test('an ordinary account sees no pages of theirs, and is refused at their addresses', async () => {
      const made = JSON.parse(await run(['user', 'create', 'ann@example.com', '--data', demo.data]))
      const visited = await signedIn(refusals, { email: 'ann@example.com', password: made.password })
      const { page } = visited
      await page.getByRole('link', { name: 'Access keys' }).waitFor()
      assert.equal(await page.getByRole('link', { name: 'Server' }).count(), 0)
      for (const area of ['server', 'partners']) {
        await to(page, area)
        await page.getByText('Only administrators of this server may do this.').first().waitFor()
        await assertAccessible(page, `${area}, refused`)
      }
      await keep(page, 'operator-refused')
      assertQuiet(visited)
      await visited.context.close()
    })

    test('an administrator who came by an access key is told to sign in by password', async () => {
      const made = JSON.parse(await run(['accesskey', 'create', '--user', admin.email, '--data', demo.data]))
      const visited = await signedIn(refusals, { email: made.key_id, password: made.key_secret })
      const { page } = visited
      await page.getByRole('link', { name: 'Server' }).click()
      await page.getByText('An access key does not operate the server.').first().waitFor()
      assertQuiet(visited)
      await visited.context.close()
    })

    test('health and workers are told, a signing key is made and retired', async () => {
      const visited = await enter()
      const { page } = visited
      await page.getByRole('link', { name: 'Server' }).click()
      await page.getByText('database and change feed').waitFor()
      await page.getByText('Jobs that wait').waitFor()
      await page.getByRole('button', { name: 'Make a new key' }).click()
      await page.getByText('A new key signs from').waitFor()
      await page.getByText('Published, signs soon').waitFor()
      const published = async () => (await request('GET', `${demo.info.base_url}/.well-known/jwks.json`)).json.keys.length
      assert.equal(await published(), 2)
      await page.getByRole('button', { name: /^Retire the key/ }).first().click()
      await confirm(page, 'Retire the key')
      await page.getByText('The key has ended').waitFor()
      assert.equal(await published(), 1)
      await keep(page, 'operator-keys')
      assertQuiet(visited)
      await visited.context.close()
    })

    test('an account is found and gets another plan', async () => {
      const visited = await enter({ expected: (text) => text.includes('404') })
      const { page } = visited
      await to(page, 'server')
      await page.getByLabel('Account', { exact: true }).fill('nobody@example.com')
      await page.getByRole('button', { name: 'Find' }).click()
      await page.getByText('There is no such user.').waitFor()
      await page.getByLabel('Account', { exact: true }).fill('root@example.com')
      await page.getByRole('button', { name: 'Find' }).click()
      await page.getByLabel('Plan', { exact: true }).selectOption('business')
      await page.getByText('Root has the plan business now.').waitFor()
      await keep(page, 'operator-plan')
      assertQuiet(visited)
      await visited.context.close()
    })

    test('a partner is made, its key is used, replaced and revoked, and it is blocked', async () => {
      const visited = await enter()
      const { page } = visited
      const generate = (key) => request('POST', `${demo.info.base_url}/generate`, { headers: { 'x-api-key': key }, json: { file: 'a.dxf', userId: '7' } })
      await to(page, 'partners')
      await page.getByLabel('Name', { exact: true }).fill('Acme Drawings')
      await page.getByLabel('Page that may frame the editor').fill('cad.example.com')
      await page.getByRole('button', { name: 'Make a partner' }).click()
      const secret = async () => (await page.getByRole('region', { name: 'partner key' }).innerText()).trim()
      const first = await secret()
      await keep(page, 'operator-partner-key')
      assert.equal((await generate(first)).status, 200)
      await page.getByRole('button', { name: 'I have kept it' }).click()
      await page.getByRole('button', { name: 'Make a new key for Acme Drawings' }).click()
      await until('another key is shown', async () => (await secret()) !== first)
      const second = await secret()
      assert.deepEqual([(await generate(first)).status, (await generate(second)).status], [200, 200])
      await page.reload()
      await page.getByRole('heading', { name: 'Acme Drawings' }).waitFor()
      assert.ok(!(await page.content()).includes('vit_pk_'), 'a key is shown once')
      const revoke = page.getByRole('button', { name: `Revoke the key of Acme Drawings that ends with ${first.slice(-4)}` })
      await revoke.click()
      await confirm(page, 'Revoke the key')
      await until('the key is gone', async () => (await revoke.count()) === 0)
      assert.equal((await generate(first)).status, 403)
      await page.getByRole('switch', { name: 'Block Acme Drawings' }).click()
      await page.getByText('Blocked', { exact: true }).waitFor()
      assert.equal((await generate(second)).status, 403)
      await assertAccessible(page, 'partners')
      await keep(page, 'operator-partner')
      assertQuiet(visited)
      await visited.context.close()
    })

    test('making a partner needs no mouse', async () => {
      const visited = await enter()
      const { page } = visited
      await page.getByRole('link', { name: 'Partners' }).waitFor()
      await tabTo(page, 'Partners')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'A new partner' }).waitFor()
      await tabTo(page, 'Name')
      await page.keyboard.type('Keyboard Ltd')
      await tabTo(page, 'Make a partner')
      await page.keyboard.press('Enter')
      await page.getByText('The new key of Keyboard Ltd').waitFor()
      await tabTo(page, 'I have kept it')
      await page.keyboard.press('Enter')
      await page.getByText('The new key of Keyboard Ltd').waitFor({ state: 'detached' })
      await page.getByRole('heading', { name: 'Keyboard Ltd' }).waitFor()
      assertQuiet(visited)
      await visited.context.close()
    })

    test('without partners the page says how one is made, and without an answer what to do', async () => {
      const visited = await enter({ expected: (text) => text.includes('503') })
      const { page } = visited
      const empty = { success: true, data: { result: [], pagination: { limit: 20, next_offset: null } } }
      await page.route('**/api/v1/partners/query', (route) => route.fulfill({ json: empty }))
      await to(page, 'partners')
      await page.getByText('No partners yet').waitFor()
      await assertAccessible(page, 'no partners')
      await keep(page, 'operator-no-partners')
      const trouble = { error: { message: 'Service Unavailable', description: 'The database does not answer.', code: 'not-ready' } }
      await page.route('**/api/v1/operator/**', (route) => route.fulfill({ status: 503, json: trouble }))
      await to(page, 'server')
      await page.getByText('The database does not answer.').first().waitFor()
      await assertAccessible(page, 'a server in trouble')
      await keep(page, 'operator-trouble')
      await page.unroute('**/api/v1/operator/**')
      await page.getByRole('button', { name: 'Try again' }).first().click()
      await page.getByText('database and change feed').waitFor()
      assertQuiet(visited)
      await visited.context.close()
    })

    for (const [name, options] of LOOKS) {
      test(`their pages are accessible and fit: ${name}`, async () => {
        const visited = await enter(options)
        const { page } = visited
        for (const area of ['partners', 'server', 'usage']) {
          await to(page, area)
          await assertAccessible(page, `${area} ${name}`)
          await assertFits(page, `${area} ${name}`)
          await keep(page, `operator-${area}-${name}`)
        }
        assertQuiet(visited)
        await visited.context.close()
      })
    }
  })
})
