// Editing a model in the console: names and default values of what it has, how viewers show it, and who may open it.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { keep, launch } from './lib/chromium.mjs'
import { LOOKS, assertAccessible, assertFits, assertQuiet, confirm, signedIn, to } from './lib/console.mjs'
import { run, startDemo, until } from './lib/server.mjs'

describe('editing a model in the console', () => {
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
  /** What a session by the model's ticket begins with. */
  async function session(model) {
    const opened = await fetch(`${demo.info.base_url}/api/v2/ticket/${model.embedding_ticket}`, {
      method: 'POST',
      headers: { origin: new URL(demo.info.shop_url).origin },
    })
    assert.equal(opened.status, 201)
    return opened.json()
  }
  const parameter = (answer, name) => Object.values(answer.parameters).find((one) => one.name === name)

  test('default values of numbers, choices, switches and colours become those of new sessions', async () => {
    const visited = await enter()
    const { page } = visited
    const model = demo.info.models[1]
    await go(page, 'models', model.slug, 'controls')
    const control = (name) => page.locator('.controls > li', { has: page.getByText(name, { exact: true }) })
    for (const name of ['Wall', 'Vents', 'Show a circuit board', 'Colour of the label']) await control(name).locator('summary').click()
    await control('Wall').getByLabel('Default value').fill('3.14159')
    await control('Wall').getByLabel('Default value').blur()
    assert.equal(await control('Wall').getByLabel('Default value').inputValue(), '3.1')
    await control('Vents').getByLabel('Default value').selectOption({ label: 'Round holes' })
    await control('Show a circuit board').getByLabel('Default value').selectOption('false')
    await control('Colour of the label').getByLabel('Default value').fill('#0055aa')
    await page.getByRole('button', { name: 'Save parameters' }).click()
    await until('it is saved', () => page.getByRole('button', { name: 'Save parameters' }).isDisabled())
    const opened = await session(model)
    assert.deepEqual(
      ['wall', 'vents', 'circuit', 'accent'].map((name) => parameter(opened, name).defval),
      ['3.1', '2', 'false', '0x0055aaff'],
    )
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('an output and a download get other names, and a hidden download is not offered', async () => {
    const visited = await enter()
    const { page } = visited
    const model = demo.info.models[0]
    const before = await session(model)
    await go(page, 'models', model.slug, 'controls')
    const panel = (name) => page.getByRole('region', { name })
    await panel('Outputs').locator('summary').first().click()
    await panel('Outputs').getByLabel('Name to show').first().fill('The whole shelf')
    await page.getByRole('button', { name: 'Save outputs' }).click()
    await until('it is saved', () => page.getByRole('button', { name: 'Save outputs' }).isDisabled())
    await panel('Downloads').locator('summary').first().click()
    await panel('Downloads').getByRole('switch', { name: 'Hidden' }).first().click()
    await page.getByRole('button', { name: 'Save downloads' }).click()
    await until('it is saved', () => page.getByRole('button', { name: 'Save downloads' }).isDisabled())
    const after = await session(model)
    assert.ok(Object.values(after.outputs).some((output) => output.displayname === 'The whole shelf'))
    const hidden = (answer) => Object.values(answer.exports).filter((one) => one.hidden).length
    assert.equal(hidden(after), hidden(before) + 1)
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('a background is chosen and shows, and settings that are no JSON are told before they are sent', async () => {
    const visited = await enter()
    const { page } = visited
    const model = demo.info.models[2]
    await go(page, 'models', model.slug, 'look')
    await page.getByRole('switch', { name: 'Own background' }).click()
    await page.getByLabel('Background', { exact: true }).fill('#123456')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await until('the settings are whole', async () => {
      const { config } = (await session(model)).viewer
      return config.environment?.clearColor === '#123456' && config.settings_version === '7.0'
    })
    await page.getByRole('link', { name: 'Look at it' }).click()
    const frame = page.locator('vitrine-viewer .frame')
    await until('the stage has the colour', async () => (await frame.getAttribute('style').catch(() => ''))?.includes('#123456'))
    await keep(page, 'console-look')
    await go(page, 'models', model.slug, 'look')
    await page.getByText('The settings as JSON').click()
    await page.getByLabel('Settings', { exact: true }).fill('{ "camera": ')
    await page.getByText('This is no JSON').waitFor()
    assert.ok(await page.getByRole('button', { name: 'Save the JSON' }).isDisabled())
    await assertAccessible(page, 'settings that are no JSON')
    await page.getByRole('button', { name: 'Back to the viewer’s own' }).click()
    await confirm(page, 'Forget them')
    await until('nothing is set', async () => Object.keys((await session(model)).viewer.config).length === 0)
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  test('who sees a model is changed, and the ways in are explained', async () => {
    const visited = await enter()
    const { page } = visited
    const model = demo.info.models[1]
    await go(page, 'models', model.slug, 'settings')
    await page.getByLabel('Who sees it on this server').selectOption('public')
    await page.getByText('Saved.').waitFor()
    assert.equal((await fetch(`${demo.info.base_url}/api/v1/models/${model.slug}`)).status, 200)
    const made = JSON.parse(await run(['user', 'create', 'guest@example.com', '--data', demo.data]))
    const guest = await signedIn(browser, demo, {}, { email: 'guest@example.com', password: made.password })
    await guest.page.getByText('shown to you').waitFor()
    await guest.page.getByRole('link', { name: model.title }).click()
    await guest.page.getByText('You may look at this model').waitFor()
    assert.equal(await guest.page.getByRole('link', { name: 'Settings' }).count(), 0)
    await assertAccessible(guest.page, 'a model of somebody else')
    assertQuiet(demo, guest)
    await guest.context.close()
    await page.getByLabel('Who sees it on this server').selectOption('private')
    await until('nobody sees it', async () => (await fetch(`${demo.info.base_url}/api/v1/models/${model.slug}`)).status === 401)
    await page.getByText('The ways in, explained').click()
    await page.getByText('adds an access token to each of these').waitFor()
    await assertAccessible(page, 'the ways in')
    assertQuiet(demo, visited)
    await visited.context.close()
  })

  for (const [name, options] of LOOKS) {
    test(`the pages for editing are accessible and fit: ${name}`, async () => {
      const visited = await enter(options)
      const { page } = visited
      for (const tab of ['controls', 'look', 'settings', 'usage']) {
        await go(page, 'models', demo.info.models[1].slug, tab)
        await page.locator('details').evaluateAll((all) => all.slice(0, 4).forEach((one) => { one.open = true }))
        await assertAccessible(page, `${tab} ${name}`)
        await assertFits(page, `${tab} ${name}`)
        await keep(page, `edit-${tab}-${name}`)
      }
      assertQuiet(demo, visited)
      await visited.context.close()
    })
  }
})
