// The journeys that the console is there for, from end to end, and hostile words that must stay words.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { keep, launch } from './lib/chromium.mjs'
import { assertQuiet, confirm, drawn, openPatiently, signedIn, to } from './lib/console.mjs'
import { originOf } from './lib/journey.mjs'
import { run, startDemo, until } from './lib/server.mjs'
import { elementPage, startSite } from './lib/site.mjs'

const CUBE = `const { primitives } = require('@jscad/modeling')
const getParameterDefinitions = () => [{ name: 'edge', caption: 'Edge length', type: 'slider', initial: 20, min: 5, max: 60, step: 1 }]
const main = (p) => primitives.cuboid({ size: [p.edge, p.edge, p.edge] })
module.exports = { main, getParameterDefinitions }
`
/** What a person needs for one click or one field: to read, to decide, to do it. */
const ACTION_S = 6
/** From the first page to an embedded model. */
const JOURNEY_S_MAX = 120

/** Each tries to run a script that leaves its mark on the page. */
const HOSTILE = [
  '<img src=x onerror="window.owned=1">',
  '"><script>window.owned=1</script>',
  "'-(window.owned=1)-'",
  '{{constructor.constructor("window.owned=1")()}}',
  'javascript:window.owned=1',
  '</script><svg onload=window.owned=1>',
]
/** Whether one of them has run. */
const isOwned = (page) => page.evaluate(() => 'owned' in window)

describe('journeys in the console', () => {
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

  const go = (page, ...parts) => to(page, demo, ...parts)

  test('from the first page to a model on a page of one’s own takes less than two minutes of clicks', async () => {
    const pages = {}
    const site = await startSite(pages)
    const visited = await openPatiently(browser)
    const { page } = visited
    let actions = 0
    const does = async (action) => {
      actions += 1
      await action
    }
    await does(page.goto(`${demo.info.base_url}/`))
    await does(page.getByLabel('E-mail address').fill(demo.info.account.email))
    await does(page.getByLabel('Password').fill(demo.info.account.password))
    await does(page.getByRole('button', { name: 'Sign in' }).click())
    await does(page.getByRole('link', { name: 'New model' }).click())
    await does(page.getByLabel("The model's file").setInputFiles({ name: 'first-cube.js', mimeType: 'text/javascript', buffer: Buffer.from(CUBE) }))
    await does(page.getByRole('button', { name: 'Upload', exact: true }).click())
    await does(page.getByRole('link', { name: 'allowed their domain' }).click())
    await does(page.getByLabel('Add a domain').fill(new URL(site.origin).host))
    await does(page.getByRole('button', { name: 'Allow', exact: true }).click())
    await page.getByText('is allowed from now on').waitFor()
    await does(page.getByRole('link', { name: 'Embed', exact: true }).click())
    await does(page.getByRole('button', { name: 'Make one' }).click())
    const html = await page.getByRole('region', { name: 'element' }).innerText()
    // One more for the paste into the page.
    actions += 1
    assert.ok(actions * ACTION_S < JOURNEY_S_MAX, `${actions} actions of ${ACTION_S} seconds`)

    const ticket = /ticket="([0-9a-f-]+)"/.exec(html)[1]
    pages['/'] = { html: elementPage(demo.info.base_url, ticket) }
    const shop = await openPatiently(browser, { draws: true })
    await shop.page.goto(`${site.origin}/`)
    await drawn(shop.page)
    await keep(shop.page, 'journey-embedded')
    await shop.context.close()
    assertQuiet(demo, visited)
    await visited.context.close()
    await site.stop()
  })

  test('an owner ends a session and its ticket, and the shop page stops', async () => {
    const visited = await signedIn(browser, demo)
    const { page } = visited
    const model = demo.info.models[0]
    const shop = await openPatiently(browser, { expected: () => true })
    await shop.page.goto(demo.info.shop_url)
    const slider = shop.page.locator('vitrine-viewer input[type=range]').first()
    await slider.waitFor()
    const session = shop.seen.sessions.at(-1)
    await go(page, 'models', model.slug, 'embed')
    const revoke = page.getByRole('button', { name: /^Revoke the embedding ticket/ })
    for (let left = (await revoke.count()) - 1; left >= 0; left--) {
      await revoke.first().click()
      await confirm(page, 'Revoke the ticket')
      await until('the ticket is no longer live', async () => (await revoke.count()) === left)
    }
    const answer = await fetch(`${demo.info.base_url}/api/v2/session/${session}/default`)
    assert.equal(answer.status, 410)
    await slider.focus()
    await shop.page.keyboard.press('End')
    await shop.page.getByText(/was revoked/).first().waitFor()
    await go(page, 'models', model.slug, 'sessions')
    await page.getByText('Nobody has the model open').waitFor()
    await keep(shop.page, 'journey-stopped')
    await shop.context.close()
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  /** Opens a page that is refused, and gives the id of the refused request. */
  async function refusedRequest(page, url) {
    const refused = page.waitForResponse((response) => response.url().includes('/api/v2/ticket/') && response.status() === 403)
    await page.goto(url)
    return (await (await refused).json()).requestId
  }

  /** What the model's page says about a request. */
  async function explained(page, model, request) {
    await go(page, 'models', model.slug, 'trail')
    await page.getByLabel('Request id').fill(request)
    await page.getByRole('button', { name: 'Look it up' }).click()
    const line = page.locator('.trail li')
    await until('the decision is the only one', async () => (await line.count()) === 1 && (await line.innerText()).includes(request))
    return line
  }

  test('a visitor’s request id leads its owner to the reason, the remedy, and a page that works', async () => {
    const model = demo.info.models[1]
    const shop = await openPatiently(browser, { expected: () => true })
    const request = await refusedRequest(shop.page, `${demo.info.stranger_url}/#${model.slug}`)
    await shop.page.getByText(/may not be shown on/).first().waitFor()
    const visited = await signedIn(browser, demo)
    const { page } = visited
    const line = await explained(page, model, request)
    assert.match(await line.innerText(), /may not be shown on/)
    assert.match(await line.locator('.remedy').innerText(), /allow/i)
    assert.equal((await page.request.get(new URL(await line.getByRole('link').getAttribute('href'), page.url()).href)).status(), 200)
    await keep(page, 'journey-refusal')
    await go(page, 'models', model.slug, 'pages')
    await page.getByLabel('Add a domain').fill(new URL(demo.info.stranger_url).host)
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByText('is allowed from now on').waitFor()
    await shop.page.reload()
    await shop.page.locator('vitrine-viewer input[type=range]').first().waitFor()
    await shop.context.close()
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('a cap that is reached is told to the visitor and to the owner, and a page opens again without it', async () => {
    const model = demo.info.models[2]
    const cap = ['--per', 'hour', '--data', demo.data]
    await run(['cap', 'set', `model:${model.id}`, '--credits', '0', ...cap])
    const shop = await openPatiently(browser, { expected: () => true })
    const request = await refusedRequest(shop.page, `${demo.info.shop_url}/#${model.slug}`)
    await shop.page.locator('vitrine-viewer').getByText(/cap|credits/i).first().waitFor()
    await keep(shop.page, 'journey-capped')
    const visited = await signedIn(browser, demo)
    const line = await explained(visited.page, model, request)
    await line.getByRole('link', { name: 'cap-reached' }).waitFor()
    await keep(visited.page, 'journey-cap-explained')
    await run(['cap', 'remove', `model:${model.id}`, ...cap])
    await shop.page.reload()
    await shop.page.locator('vitrine-viewer input[type=range]').first().waitFor()
    await shop.context.close()
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('an owner’s own cap refuses the shop, is told, and lets it in again once it is raised', async () => {
    const model = demo.info.models[2]
    const visited = await signedIn(browser, demo)
    const { page } = visited
    const shop = await openPatiently(browser, { expected: () => true })
    const url = `${demo.info.shop_url}/#${model.slug}`
    const opens = async () => {
      await shop.page.goto('about:blank')
      await shop.page.goto(url)
      await shop.page.locator('vitrine-viewer input[type=range]').first().waitFor()
    }
    const cap = page.getByLabel('Most credits a month for this model')
    const set = async (credits, button) => {
      await cap.fill(String(credits))
      await page.getByRole('button', { name: button, exact: true }).click()
      await page.getByText(`From now on at most ${credits.toLocaleString('en')} credit`).waitFor()
    }
    await opens()
    await go(page, 'models', model.slug, 'usage')
    await page.getByText('No cap is set.').waitFor()
    await set(1000, 'Set the cap')
    const used = Number(/^([0-9]+) used/m.exec(await page.locator('.cap').innerText())[1])
    assert.ok(used > 0)
    await set(used + 1, 'Change the cap')
    await opens()
    await shop.page.goto('about:blank')
    await refusedRequest(shop.page, url)
    await shop.page.locator('vitrine-viewer').getByText(/cap of/).first().waitFor()
    await page.reload()
    await page.getByText(/^Reached/).waitFor()
    const notices = page.getByRole('region', { name: 'Notices about caps' })
    await notices.locator('.field-error', { hasText: `${used + 1} of ${used + 1} credits` }).waitFor()
    await notices.scrollIntoViewIfNeeded()
    await keep(page, 'journey-own-cap')
    await notices.getByRole('button', { name: 'Mark as read' }).click()
    await until('nothing is new', async () => (await notices.getByText('New:').count()) === 0)
    await page.getByRole('button', { name: 'Remove the cap on this model' }).click()
    await confirm(page, 'Remove it')
    await page.getByText('The cap on this model is removed.').waitFor()
    await opens()
    await shop.context.close()
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('titles, files, domains, names of keys and what scripts say stay words, whatever they try', async () => {
    const visited = await signedIn(browser, demo)
    const { page } = visited
    const harmless = async (where) => {
      await until('the page has drawn', () => page.evaluate(() => document.readyState === 'complete'))
      assert.equal(await isOwned(page), false, where)
      assert.equal(await page.locator('img[src="x"], svg[onload]').count(), 0, where)
    }
    for (const [index, words] of HOSTILE.entries()) {
      const title = `Model ${index} ${words}`
      // The page for new models keeps what it has until it is left.
      await go(page, 'models')
      await go(page, 'new')
      const script = `const main = () => { throw new Error(${JSON.stringify(words)}) }\nmodule.exports = { main }\n`
      const name = `${words.replaceAll('/', '_')}.js`
      await page.getByLabel("The model's file").setInputFiles({ name, mimeType: 'text/javascript', buffer: Buffer.from(script) })
      await page.getByLabel('Title').fill(title)
      await page.getByRole('button', { name: 'Upload', exact: true }).click()
      const report = page.getByRole('alert')
      await report.waitFor()
      assert.ok((await report.innerText()).includes(words), `the script’s words are shown: ${words}`)
      await harmless(`report of ${words}`)
    }
    await go(page, 'models')
    for (const [index, words] of HOSTILE.entries()) {
      const link = page.getByRole('link', { name: `Model ${index} ${words}` })
      assert.equal(await link.count(), 1, words)
    }
    await harmless('the list of models')
    await page.getByRole('link', { name: `Model 0 ${HOSTILE[0]}` }).click()
    await page.getByRole('alert').waitFor()
    await harmless('a model’s page')

    await go(page, 'models', demo.info.models[1].slug, 'pages')
    for (const words of HOSTILE) {
      await page.getByLabel('Address of the page').fill(words)
      await page.getByRole('button', { name: 'Try', exact: true }).click()
      await page.getByRole('button', { name: 'Try', exact: true }).isEnabled()
      await page.getByLabel('Add a domain').fill(words)
      await harmless(`a domain ${words}`)
    }
    const policy = (await page.request.get(`${demo.info.base_url}/`)).headers()['content-security-policy']
    assert.match(policy, /script-src 'self';/)
    assert.match(policy, /style-src 'self';/)
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/)
    await visited.context.close()
  })

  test('tags, descriptions and names of controls that try to be markup stay words for whoever sees the model', async () => {
    const visited = await signedIn(browser, demo)
    const { page } = visited
    const model = demo.info.models[2]
    const [words] = HOSTILE
    await go(page, 'models', model.slug, 'controls')
    const first = page.locator('.controls').first().locator('li').first()
    await first.locator('summary').click()
    await first.getByLabel('Name to show').fill(words)
    await first.getByLabel('Group').fill(words)
    await first.getByLabel('Explanation').fill(words)
    await page.getByRole('button', { name: 'Save parameters' }).click()
    await until('it is saved', () => page.getByRole('button', { name: 'Save parameters' }).isDisabled())
    await go(page, 'models', model.slug, 'preview')
    await page.locator('vitrine-viewer label', { hasText: words }).first().waitFor()
    assert.equal(await isOwned(page), false)
    const opened = await fetch(`${demo.info.base_url}/api/v2/ticket/${model.embedding_ticket}`, { method: 'POST', headers: { origin: originOf(demo.info.shop_url) } })
    assert.equal(opened.status, 201)
    assertQuiet(demo, visited)
    await visited.context.close()
  })
})
