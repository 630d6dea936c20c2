// The ways to embed a model, in a real Chromium: element and iframe, isolated and sandboxed pages, any referrer policy, no cookies,
// and a rival who tries the same.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { keep, launch, modelVisible, openPage } from './lib/chromium.mjs'
import { expectStatus, request } from './lib/http.mjs'
import { startDemo, until } from './lib/server.mjs'
import { elementPage, framePage, sandboxPage, startSite } from './lib/site.mjs'

const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
const POLICIES = ['no-referrer', 'origin', 'unsafe-url']

describe('embedding', () => {
  let demo
  let browser
  let shop
  let rival
  let model
  let embed

  before(async () => {
    demo = await startDemo()
    browser = await launch()
    const { base_url, content_url } = demo.info
    model = demo.info.models[1]
    embed = `${content_url}/embed/${model.slug}`
    const element = elementPage(base_url, model.embedding_ticket)
    const pages = {
      '/element': { html: element },
      '/element-isolated': { html: element, headers: ISOLATED },
      '/frame': { html: framePage(embed) },
      '/frame-isolated': { html: framePage(embed), headers: ISOLATED },
      '/frame-sandboxed': { html: framePage(embed, 'sandbox="allow-scripts"') },
      '/sandboxed': { html: sandboxPage(base_url, model.embedding_ticket) },
      '/nothing': { html: framePage(`${content_url}/embed/nosuch`) },
    }
    for (const policy of POLICIES) pages[`/frame-${policy}`] = { html: framePage(embed, `referrerpolicy="${policy}"`) }
    shop = await startSite(pages)
    rival = await startSite(pages)
  })
  after(async () => {
    await browser?.close()
    await shop?.stop()
    await rival?.stop()
    await demo?.stop()
  })
  beforeEach(() => update({ accessdomains: [shop.origin], require_iframe: false }))

  const update = (settings) =>
    expectStatus(200, 'PUT', `${demo.info.base_url}/api/v2/model/${model.id}`, { token: demo.info.backend_jwt, json: settings })

  async function visit(url) {
    const visited = await openPage(browser, { expected: () => true })
    await visited.page.goto(url, { waitUntil: 'load' })
    return visited
  }

  /** How many sessions the server has opened so far, by its own count. */
  async function opened() {
    const { body } = await expectStatus(200, 'GET', `${demo.info.base_url}/metrics`)
    return Number(/^vitrine_sessions_opened_total(?:\{[^}]*\})? (\d+)/m.exec(body.toString())?.[1] ?? 0)
  }

  /** The page, or the frame in it, shows the model by exactly one session. */
  async function assertShown(path, { framed, sandboxed = false }) {
    const before = await opened()
    const visited = await visit(shop.origin + path)
    const root = framed ? visited.page.frameLocator('iframe') : visited.page
    await modelVisible(visited.page, root)
    assert.equal((await opened()) - before, 1, 'sessions that the server opened')
    // The browser's driver does not always show the body of what a page of an opaque origin was answered.
    if (!sandboxed) assert.equal(visited.seen.sessions.length, 1)
    assert.deepEqual(await visited.context.cookies(), [], 'a cookie was set')
    return visited
  }

  /** The page, or the frame in it, says why it shows nothing. */
  async function assertSays(url, pattern, { framed }) {
    const visited = await visit(url)
    const root = framed ? visited.page.frameLocator('iframe') : visited.page
    await root.getByText(pattern).first().waitFor({ state: 'visible', timeout: 60_000 })
    assert.deepEqual(visited.seen.sessions, [])
    return visited
  }

  /** The browser itself refuses to show the frame. */
  async function assertBlocked(url) {
    const visited = await visit(url)
    const blocked = await until('the browser has decided about the frame', async () => {
      const inner = visited.page.frames().find((frame) => frame !== visited.page.mainFrame())
      return inner && !inner.url().includes('/embed/') && inner
    })
    assert.equal(await blocked.locator('vitrine-viewer').count(), 0)
    assert.deepEqual(visited.seen.sessions, [])
    await visited.context.close()
  }

  test('with require_iframe the direct page is refused in words and the iframe page is shown', async () => {
    await update({ require_iframe: true })
    const refused = await assertSays(`${shop.origin}/element`, /require_iframe/, { framed: false })
    await keep(refused.page, 'require-iframe')
    await refused.context.close()
    await (await assertShown('/frame', { framed: true })).context.close()
  })

  for (const policy of POLICIES) {
    test(`the iframe works with referrerpolicy=${policy}`, async () => {
      await (await assertShown(`/frame-${policy}`, { framed: true })).context.close()
    })
  }

  for (const path of ['/frame', ...POLICIES.map((policy) => `/frame-${policy}`)]) {
    test(`a rival's ${path} is refused`, () => assertBlocked(rival.origin + path))
  }

  test('the element and the iframe work in an isolated page', async () => {
    for (const [path, framed] of [['/element-isolated', false], ['/frame-isolated', true]]) {
      const visited = await assertShown(path, { framed })
      assert.equal(await visited.page.evaluate(() => crossOriginIsolated), true)
      await visited.context.close()
    }
  })

  test('a sandboxed page is refused as null, and shown when the owner lists null', async () => {
    for (const path of ['/sandboxed', '/frame-sandboxed']) {
      const refused = await assertSays(shop.origin + path, /may not be shown on null/, { framed: true })
      await refused.context.close()
    }
    await update({ accessdomains: [shop.origin, 'null'] })
    for (const path of ['/sandboxed', '/frame-sandboxed']) {
      await (await assertShown(path, { framed: true, sandboxed: true })).context.close()
    }
  })

  test('a list with a star holds the framing page to exactly one label, whatever it hides', async () => {
    await update({ accessdomains: ['*.customer.example'] })
    await assertBlocked(`${shop.origin}/frame-no-referrer`)
  })

  test("another origin's script can neither read the page nor renew its proof", async () => {
    const visited = await visit(`${rival.origin}/element`)
    const read = await visited.page.evaluate(async (url) => {
      const attempt = (init) => fetch(url, init).then(() => 'read', () => 'refused')
      return [await attempt(), await attempt({ method: 'POST', body: 'x' })]
    }, embed)
    assert.deepEqual(read, ['refused', 'refused'])
    await visited.context.close()
  })

  test('opened alone, the address says that it belongs into a frame', async () => {
    const visited = await assertSays(embed, /inside another page/, { framed: false })
    await keep(visited.page, 'embed-alone')
    await visited.page.setViewportSize({ width: 360, height: 640 })
    await keep(visited.page, 'embed-alone-narrow')
    await visited.context.close()
    await update({ accessdomains: [demo.info.content_url] })
    const alone = await visit(embed)
    await modelVisible(alone.page)
    await alone.context.close()
  })

  test('where there is no model, the frame says so', async () => {
    const visited = await assertSays(`${shop.origin}/nothing`, /no model to show at this address/, { framed: true })
    await keep(visited.page, 'embed-nothing')
    await visited.context.close()
    const answer = await request('GET', `${demo.info.content_url}/embed/nosuch`)
    assert.equal(answer.status, 404)
    assert.match(answer.headers['content-type'], /^text\/html/)
  })

  test('a reload, and a session that ends under the frame, open new sessions', async () => {
    const visited = await assertShown('/frame', { framed: true })
    const frame = visited.page.frameLocator('iframe')
    await visited.page.reload()
    await modelVisible(visited.page, frame)
    assert.equal(visited.seen.sessions.length, 2)
    await expectStatus(200, 'POST', `${demo.info.base_url}/api/v2/session/${visited.seen.sessions[1]}/close`)
    await frame.locator('input[type=range]').first().focus()
    await visited.page.keyboard.press('End')
    await until('the frame opens a third session', () => visited.seen.sessions.length === 3, { ms_max: 60_000 })
    await modelVisible(visited.page, frame)
    await visited.context.close()
  })
})
