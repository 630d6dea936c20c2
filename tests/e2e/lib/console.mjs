// What the tests of the console share: somebody who is signed in, a way to its places, and what must hold on every page.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { openPage } from './chromium.mjs'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const AXE_RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']

/** Windows and schemes in which every page is looked at. */
export const LOOKS = [
  ['wide', {}],
  ['phone', { viewport: { width: 360, height: 800 }, hasTouch: true }],
  ['dark', { colorScheme: 'dark' }],
]

export const at = (demo, ...parts) => `${demo.info.base_url}/#/${parts.map(encodeURIComponent).join('/')}`

/** Drawing takes long on a machine without a graphics card that others use too. */
const WAIT_MS_MAX = 90_000

/** The part of the viewer that draws; sessions and controls work without it. */
const DRAWING = '**/viewer/chunks/viewport-*'

/**
 * A page that waits patiently. Models are drawn only where a test is about the picture (`draws`): a machine without a graphics card
 * holds the page's one thread meanwhile, for minutes when others use the machine too, and not even a change of place gets through.
 */
export async function openPatiently(browser, { draws = false, ...options } = {}) {
  const opened = await openPage(browser, options)
  opened.page.setDefaultTimeout(WAIT_MS_MAX)
  // Never answered: the viewer then waits for it, as over a slow line.
  if (!draws) await opened.page.route(DRAWING, () => {})
  return opened
}

/** Waits until the viewer has drawn a whole model, by its own word: cheaper than looking at the picture. */
export const drawn = (page) => page.locator('vitrine-viewer .picture.shown').waitFor()

export async function visit(browser, demo, options) {
  const visited = await openPatiently(browser, options)
  await visited.page.goto(`${demo.info.base_url}/`)
  return visited
}

/** A page of somebody who has signed in: the demo's account, or another one. */
export async function signedIn(browser, demo, options, { email, password } = demo.info.account) {
  const visited = await visit(browser, demo, options)
  await visited.page.getByLabel('E-mail address').fill(email)
  await visited.page.getByLabel('Password').fill(password)
  await visited.page.getByRole('button', { name: 'Sign in' }).click()
  await visited.page.getByRole('heading', { name: 'Models', exact: true }).waitFor()
  return visited
}

/** Changes the place as a link of the page would. */
export async function to(page, demo, ...parts) {
  await page.goto(at(demo, ...parts))
  await page.locator('.bone').first().waitFor({ state: 'detached' })
  await page.locator('h1').waitFor()
}

/** Presses the button that stands in the open dialog. */
export const confirm = (page, name) => page.getByRole('dialog').getByRole('button', { name, exact: true }).click()

export async function assertAccessible(page, where) {
  await page.evaluate(AXE)
  const violations = await page.evaluate(async (rules) => {
    const { violations } = await axe.run(document, { runOnly: rules })
    return violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.target.join(' ')).join(', ')})`)
  }, AXE_RULES)
  assert.deepEqual(violations, [], where)
}

export async function assertFits(page, where) {
  const { scroll, client } = await page.evaluate(() => ({
    scroll: document.scrollingElement.scrollWidth,
    client: document.scrollingElement.clientWidth,
  }))
  assert.ok(scroll <= client, `${where} is ${scroll} pixels wide in a window of ${client}`)
}

/** No error that a person would not see, and nothing from elsewhere. */
export function assertQuiet(demo, { seen }) {
  assert.deepEqual(seen.errors, [], 'errors on the console')
  const own = [demo.info.base_url, demo.info.content_url].map((url) => new URL(url).host)
  assert.deepEqual([...seen.hosts].filter((host) => !own.includes(host)), [], 'requests to other hosts')
}

/** Goes on with Tab until the focused thing's name begins so, as somebody without a mouse would. */
export async function tabTo(page, wanted, presses_max = 80) {
  const focused = () =>
    page.evaluate(() => {
      const one = document.activeElement
      return (one?.getAttribute('aria-label') ?? one?.labels?.[0]?.textContent ?? one?.textContent ?? '').trim()
    })
  for (let presses = 0; presses < presses_max; presses++) {
    if ((await focused()).startsWith(wanted)) return
    await page.keyboard.press('Tab')
  }
  assert.fail(`${presses_max} presses of Tab did not reach ${wanted}`)
}
