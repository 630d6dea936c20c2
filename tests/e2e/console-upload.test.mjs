// Bringing models to the console: a file that works, one that fails, a new version, and deleting with the way back.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { keep, launch, modelVisible } from './lib/chromium.mjs'
import { LOOKS, assertAccessible, assertFits, assertQuiet, confirm, signedIn, tabTo, to } from './lib/console.mjs'
import { originOf } from './lib/journey.mjs'
import { startDemo } from './lib/server.mjs'

/** A cube; `edge` is its default edge length in mm. */
const script = (edge) => `const { primitives } = require('@jscad/modeling')
const getParameterDefinitions = () => [
  { name: 'edge', caption: 'Edge length', type: 'slider', initial: ${edge}, min: 5, max: 60, step: 1 },
]
const main = (p) => primitives.cuboid({ size: [p.edge, p.edge, p.edge] })
module.exports = { main, getParameterDefinitions }
`
/** Fails in line 3. */
const BROKEN = `const { primitives } = require('@jscad/modeling')
const main = () => {
  return primitives.cuboid({ size: [edge, 1, 1] })
}
module.exports = { main }
`
const file = (name, text) => ({ name, mimeType: 'text/javascript', buffer: Buffer.from(text) })

describe('bringing models to the console', () => {
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

  const enter = (options) => signedIn(browser, demo, options)
  const go = (page, ...parts) => to(page, demo, ...parts)

  /** Waits until the viewer has a session; drawing takes longer and is looked at once. */
  const opened = (page) => page.locator('vitrine-viewer input[type=range]').first().waitFor()

  /** Uploads a file on the page for new models and waits until the viewer shows it. */
  async function upload(page, name, text, title) {
    await go(page, 'new')
    await page.getByLabel("The model's file").setInputFiles(file(name, text))
    if (title !== undefined) await page.getByLabel('Title').fill(title)
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    await opened(page)
  }

  test('a file becomes a model that its owner sees, and that a page shows after one domain was allowed', async () => {
    const visited = await enter({ draws: true })
    const { page } = visited
    await page.getByRole('link', { name: 'New model' }).click()
    await page.getByLabel("The model's file").setInputFiles(file('little-cube.js', script(20)))
    assert.equal(await page.getByLabel('Title').inputValue(), 'Little cube')
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
    await page.getByRole('heading', { name: 'Little cube', level: 1 }).waitFor()
    await page.getByText('Ready', { exact: true }).waitFor()
    await modelVisible(page)
    await keep(page, 'console-uploaded')
    await page.getByRole('link', { name: 'allowed their domain' }).click()
    await page.getByLabel('Add a domain').fill(new URL(demo.info.shop_url).host)
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByText('is allowed from now on').waitFor()
    await page.getByRole('link', { name: 'Embed', exact: true }).click()
    await page.getByRole('button', { name: 'Make one' }).click()
    const html = await page.getByRole('region', { name: 'element' }).innerText()
    const ticket = /ticket="([0-9a-f-]+)"/.exec(html)[1]
    const answer = await fetch(`${demo.info.base_url}/api/v2/ticket/${ticket}`, { method: 'POST', headers: { origin: originOf(demo.info.shop_url) } })
    assert.equal(answer.status, 201)
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('a script that fails is told with its line, and the corrected file takes its place', async () => {
    const visited = await enter()
    const { page } = visited
    await go(page, 'new')
    await page.getByLabel("The model's file").setInputFiles(file('slipped-cube.js', BROKEN))
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
    const report = page.getByRole('alert')
    await report.getByRole('heading', { name: 'slipped-cube.js was refused in line 3' }).waitFor()
    assert.match(await report.innerText(), /edge is not defined/i)
    assert.match(await report.locator('.faulty').innerText(), /return primitives\.cuboid/)
    await assertAccessible(page, 'a refused file')
    await keep(page, 'console-refused-file')
    await page.getByLabel('The corrected file').setInputFiles(file('slipped-cube.js', script(12)))
    await page.getByRole('button', { name: 'Upload the corrected file' }).click()
    await page.getByRole('heading', { name: 'Slipped cube', level: 1 }).waitFor()
    await opened(page)
    assert.equal(new URL(page.url()).hash, '#/models/slipped-cube')
    await go(page, 'deleted')
    await page.getByText('its file was refused').waitFor()
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('a refused model tells why on its own page too', async () => {
    const visited = await enter()
    const { page } = visited
    await go(page, 'new')
    await page.getByLabel("The model's file").setInputFiles(file('never-right.js', BROKEN))
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
    await page.getByRole('alert').waitFor()
    await go(page, 'models')
    await page.getByRole('link', { name: 'Never right' }).click()
    await page.getByRole('heading', { name: 'never-right.js was refused in line 3' }).waitFor()
    await assertAccessible(page, 'a refused model')
    await keep(page, 'console-refused-model')
    await page.getByRole('link', { name: 'Upload a corrected file' }).click()
    await page.getByRole('heading', { name: 'New version of Never right' }).waitFor()
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('a file that is no model is refused before it is sent', async () => {
    const visited = await enter()
    const { page } = visited
    await go(page, 'new')
    await page.getByLabel("The model's file").setInputFiles({ name: 'holiday.png', mimeType: 'image/png', buffer: Buffer.from('x') })
    await page.getByText('“holiday.png” is neither').waitFor()
    assert.ok(await page.getByRole('button', { name: 'Upload', exact: true }).isDisabled())
    await page.getByLabel("The model's file").setInputFiles({ name: 'nothing.js', mimeType: 'text/javascript', buffer: Buffer.alloc(0) })
    await page.getByText('The file is empty.').waitFor()
    await assertAccessible(page, 'a wrong file')
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('an upload that breaks off is taken up again', async () => {
    const visited = await enter({ expected: (text) => text.includes('/api/v2/upload/') })
    const { page } = visited
    await go(page, 'new')
    let broken = 0
    await page.route('**/api/v2/upload/*', (route) => {
      broken += 1
      return broken === 1 ? route.abort('connectionreset') : route.continue()
    })
    await page.getByLabel("The model's file").setInputFiles(file('long-cable.js', script(8)))
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
    await page.getByText('The upload broke off').waitFor()
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
    await opened(page)
    assert.equal(broken, 2)
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('a new version takes over settings and the short name, and the old one stays', async () => {
    const visited = await enter()
    const { page } = visited
    await upload(page, 'growing-cube.js', script(10), 'Growing cube')
    await go(page, 'models', 'growing-cube', 'pages')
    await page.getByLabel('Add a domain').fill('shop.example.com')
    await page.getByText('Add a domain').waitFor()
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByText('is allowed from now on').waitFor()
    await go(page, 'models', 'growing-cube', 'settings')
    await page.getByRole('link', { name: 'Upload a new version' }).click()
    await page.getByRole('heading', { name: 'New version of Growing cube' }).waitFor()
    await keep(page, 'console-new-version')
    await page.getByLabel("The model's file").setInputFiles(file('growing-cube.js', script(33)))
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
    await opened(page)
    assert.equal(new URL(page.url()).hash, '#/models/growing-cube')
    const slider = page.locator('vitrine-viewer input[type=range]').first()
    assert.equal(await slider.inputValue(), '33')
    await go(page, 'models', 'growing-cube', 'pages')
    await page.getByText('shop.example.com').first().waitFor()
    await go(page, 'models', 'growing-cube', 'settings')
    await page.getByText(/^older, made/).waitFor()
    await page.getByRole('link', { name: 'Growing cube' }).click()
    await opened(page)
    assert.equal(await slider.inputValue(), '10')
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('a deleted model leaves its pages at once, and comes back whole', async () => {
    const visited = await enter({ expected: () => true })
    const { page } = visited
    const model = demo.info.models[0]
    const open = () =>
      fetch(`${demo.info.base_url}/api/v2/ticket/${model.embedding_ticket}`, { method: 'POST', headers: { origin: originOf(demo.info.shop_url) } })
    assert.equal((await open()).status, 201)
    await go(page, 'models', model.slug, 'settings')
    await page.getByRole('button', { name: 'Delete this model' }).click()
    assert.match(await page.getByRole('dialog').innerText(), /pages on 1 domain stop showing it/)
    await confirm(page, 'Delete the model')
    await page.getByRole('heading', { name: 'Deleted models', level: 1 }).waitFor()
    assert.notEqual((await open()).status, 201)
    await keep(page, 'console-deleted')
    await page.getByRole('button', { name: `Restore ${model.title}` }).click()
    await page.getByText('is back').waitFor()
    assert.equal((await open()).status, 201)
    await visited.context.close()
  })

  test('a model is uploaded without a mouse', async () => {
    const visited = await enter()
    const { page } = visited
    // Asked for long before the key: the browser catches choosers only once it has been told to, and a key that comes at the same
    // moment may overtake that. The chooser is then opened for nobody.
    const chooser = page.waitForEvent('filechooser')
    await tabTo(page, 'New model')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'New model', level: 1 }).waitFor()
    await tabTo(page, "The model's file")
    await page.keyboard.press('Enter')
    await (await chooser).setFiles(file('keyboard-cube.js', script(7)))
    await tabTo(page, 'Title')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Keyboard cube', level: 1 }).waitFor()
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  for (const [name, options] of LOOKS) {
    test(`the pages for bringing and deleting are accessible and fit: ${name}`, async () => {
      const visited = await enter(options)
      const { page } = visited
      for (const parts of [['new'], ['new', demo.info.models[1].slug], ['deleted'], ['models', demo.info.models[1].slug, 'settings']]) {
        await go(page, ...parts)
        const where = `${parts.join('-')} ${name}`
        await assertAccessible(page, where)
        await assertFits(page, where)
        await keep(page, `upload-${where.replaceAll(' ', '-')}`)
      }
      assertQuiet(demo, visited)
      await visited.context.close()
    })
  }
})
