// The pages of the demo in a real Chromium, as their visitors use them. The tests know what a person sees and what goes over the
// wire, nothing of how the viewer is built.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { canvasPicture, keep, launch, modelVisible, openPage, showsSomething } from './lib/chromium.mjs'
import { difference, readStl } from './lib/formats.mjs'
import { expectStatus } from './lib/http.mjs'
import { originOf } from './lib/journey.mjs'
import { startDemo, until } from './lib/server.mjs'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const AXE_RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']
/** A slider at its end has to move more of the picture than anti-aliasing does. */
const CHANGED_SHARE_MIN = 0.002

describe('the pages of the demo', () => {
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

  async function visit(url, options) {
    const visited = await openPage(browser, options)
    await visited.page.goto(url, { waitUntil: 'load' })
    return visited
  }

  /** What an iframe shows lives on the content origin, where there is one. */
  const embedPage = () => `${demo.info.content_url ?? demo.info.base_url}/embed/${demo.info.models[0].slug}`

  /** Nothing went wrong behind the scenes, and nothing was asked of anybody else. */
  function assertQuiet({ seen }) {
    assert.deepEqual(seen.errors, [], 'errors on the console')
    const own = new Set(
      Object.entries(demo.info)
        .filter(([name, value]) => name.endsWith('_url') && typeof value === 'string')
        .map(([, value]) => new URL(value).host),
    )
    const foreign = [...seen.hosts].filter((host) => !own.has(host))
    assert.deepEqual(foreign, [], 'requests to other hosts')
  }

  /** A bare document on the origin of a page that holds nothing but the embed page in a frame. */
  async function framed(url, options) {
    const visited = await visit(new URL('/config.json', url).href, options)
    await visited.page.evaluate((source) => {
      const frame = document.createElement('iframe')
      Object.assign(frame, { src: source, title: 'Model', width: 1000, height: 700 })
      document.body.replaceChildren(frame)
    }, embedPage())
    return visited
  }

  const sliders = (page) => page.locator('vitrine-viewer input[type=range]')

  /** Moves a slider to one of its ends with the keyboard and waits for the geometry that belongs to it. */
  async function slideTo(visited, key, index = 0) {
    const before_count = visited.seen.versions.length
    const known = visited.seen.versions.at(-1)
    await sliders(visited.page).nth(index).focus()
    await visited.page.keyboard.press(key)
    await until(
      'a new version of the geometry arrives',
      () => visited.seen.versions.length > before_count && visited.seen.versions.at(-1) !== known,
      { ms_max: 60_000 },
    )
  }

  async function assertAccessible(page) {
    await page.evaluate(AXE)
    const violations = await page.evaluate(async (rules) => {
      const { violations } = await axe.run(document, { runOnly: rules })
      return violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.target.join(' ')).join(', ')})`)
    }, AXE_RULES)
    assert.deepEqual(violations, [])
  }

  test('the shop page shows the model, asks nobody else and logs no error', async () => {
    const visited = await visit(demo.info.shop_url)
    await modelVisible(visited.page)
    await keep(visited.page, 'shop-wide')
    assert.equal(visited.seen.sessions.length, 1)
    assert.ok((await visited.page.title()).length > 0)
    assertQuiet(visited)
    await visited.context.close()
  })

  test('a slider changes the geometry on the screen', async () => {
    const visited = await visit(demo.info.shop_url)
    await modelVisible(visited.page)
    await slideTo(visited, 'Home')
    const small = await modelVisible(visited.page)
    await slideTo(visited, 'End')
    const large = await until('the picture changes', async () => {
      const picture = await modelVisible(visited.page)
      return difference(small, picture) >= CHANGED_SHARE_MIN && picture
    })
    assert.ok(showsSomething(large))
    assertQuiet(visited)
    await visited.context.close()
  })

  test('an export downloads a whole file with a useful name', async () => {
    const visited = await visit(demo.info.shop_url)
    await modelVisible(visited.page)
    const downloading = visited.page.waitForEvent('download', { timeout: 60_000 })
    await visited.page.getByRole('button', { name: /stl/i }).first().click()
    const download = await downloading
    assert.match(download.suggestedFilename(), /\.stl$/)
    assert.ok(readStl(await readFile(await download.path())).triangles > 0)
    assertQuiet(visited)
    await visited.context.close()
  })

  test('a session that is closed under the page is replaced without the model leaving the screen', async () => {
    // The browser itself logs every answer that is no success; the page has to cope with this one.
    const visited = await visit(demo.info.shop_url, { expected: (text) => text.includes('410') })
    await modelVisible(visited.page)
    const [first] = visited.seen.sessions
    await expectStatus(200, 'POST', `${demo.info.base_url}/api/v2/session/${first}/close`)
    const sliding = slideTo(visited, 'End')
    let settled = false
    sliding.finally(() => (settled = true)).catch(() => {})
    let pictures = 0
    while (!settled) {
      assert.ok(showsSomething(await canvasPicture(visited.page)), `the canvas was blank (picture ${pictures})`)
      pictures += 1
    }
    await sliding
    await modelVisible(visited.page)
    assert.equal(visited.seen.sessions.length, 2, 'exactly one new session')
    assert.notEqual(visited.seen.sessions[1], first)
    assertQuiet(visited)
    await visited.context.close()
  })

  test('the page on a foreign origin says in one sentence why it shows nothing and what to do', async () => {
    const visited = await visit(demo.info.stranger_url, { expected: (text) => text.includes('403') || text.includes('origin') })
    const origin = originOf(demo.info.stranger_url)
    const notice = visited.page.locator('vitrine-viewer').getByText(origin).first()
    await notice.waitFor({ state: 'visible', timeout: 60_000 })
    const text = (await notice.innerText()).trim()
    assert.match(text, /allow/i, `no remedy: ${text}`)
    assert.ok(text.length < 400, `more than a sentence: ${text}`)
    await keep(visited.page, 'stranger')
    assert.deepEqual(visited.seen.sessions, [])
    await assertAccessible(visited.page)
    assertQuiet(visited)
    await visited.context.close()
  })

  for (const [name, options] of [
    ['wide and light', { colorScheme: 'light' }],
    ['wide and dark', { colorScheme: 'dark' }],
    ['360 pixels wide and light', { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
    ['360 pixels wide and dark', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }],
  ]) {
    test(`the shop page is accessible and nothing is cut off, ${name}`, async () => {
      const visited = await visit(demo.info.shop_url, options)
      await modelVisible(visited.page)
      await keep(visited.page, `shop-${name.replaceAll(' ', '-')}`)
      await assertAccessible(visited.page)
      const { scroll, client } = await visited.page.evaluate(() => ({
        scroll: document.scrollingElement.scrollWidth,
        client: document.scrollingElement.clientWidth,
      }))
      assert.ok(scroll <= client, `the page is ${scroll} pixels wide in a window of ${client}`)
      const cut_off = await visited.page
        .locator('vitrine-viewer :is(input, select, button, textarea)')
        .evaluateAll((controls) =>
          controls.filter((control) => control.getBoundingClientRect().width > 0).filter((control) => {
            const { left, right } = control.getBoundingClientRect()
            return left < 0 || right > document.documentElement.clientWidth
          }).length,
        )
      assert.equal(cut_off, 0, 'controls reach beyond the window')
      assertQuiet(visited)
      await visited.context.close()
    })
  }

  test('everything works by keyboard alone', async () => {
    const visited = await visit(demo.info.shop_url)
    await modelVisible(visited.page)
    const { page, seen } = visited
    /** What has the focus, seen through shadow roots. */
    const focused = () =>
      page.evaluate(() => {
        let element = document.activeElement
        while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
        const { outlineStyle, boxShadow } = getComputedStyle(element)
        return {
          tag: element.localName,
          type: element.getAttribute('type'),
          text: element.innerText ?? '',
          marked: element.matches(':focus-visible') && (outlineStyle !== 'none' || boxShadow !== 'none'),
        }
      })
    const tabTo = async (what, wanted) => {
      for (let presses = 0; presses < 80; presses++) {
        await page.keyboard.press('Tab')
        const element = await focused()
        if (wanted(element)) return element
      }
      return assert.fail(`80 presses of Tab did not reach ${what}`)
    }
    const slider = await tabTo('a slider', ({ tag, type }) => tag === 'input' && type === 'range')
    assert.ok(slider.marked, 'the focused slider looks like any other')
    const known = seen.versions.at(-1)
    await page.keyboard.press('End')
    await until('the geometry changes', () => seen.versions.at(-1) !== known, { ms_max: 60_000 })
    const downloading = page.waitForEvent('download', { timeout: 60_000 })
    await tabTo('the STL download', ({ tag, text }) => tag === 'button' && /stl/i.test(text))
    await page.keyboard.press('Enter')
    assert.match((await downloading).suggestedFilename(), /\.stl$/)
    assertQuiet(visited)
    await visited.context.close()
  })

  test('the embed page works in a frame of the allowed page and nowhere else', async () => {
    // A bare document has no icon.
    const allowed = await framed(demo.info.shop_url, { expected: (text) => text.includes('/favicon.ico') })
    const frame = allowed.page.frameLocator('iframe')
    await modelVisible(allowed.page, frame)
    await keep(allowed.page, 'embed')
    assertQuiet(allowed)
    await allowed.context.close()

    const refused = await framed(demo.info.stranger_url, { expected: () => true })
    await refused.page.waitForLoadState('networkidle')
    assert.equal(await refused.page.frameLocator('iframe').locator('canvas').count(), 0)
    assert.deepEqual(refused.seen.sessions, [], 'the frame opened a session on a foreign page')
    await refused.context.close()
  })

  test('the embed page is accessible', async () => {
    const visited = await framed(demo.info.shop_url)
    await modelVisible(visited.page, visited.page.frameLocator('iframe'))
    const inner = visited.page.frames().find((frame) => frame.url().includes('/embed/'))
    await assertAccessible(inner)
    await visited.context.close()
  })
})
