// The drawing editor in a real Chromium: opened by a token alone, inside a partner's page and in a tab of its own. The tests know
// what a person sees, what goes over the wire and what the browser keeps; nothing of how the page is built.

import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { keep, launch, modelVisible } from './lib/chromium.mjs'
import { readPng } from './lib/formats.mjs'
import { run, startDemo, until } from './lib/server.mjs'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const AXE_RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']
/** The demo partner's name for the file in its bucket; nothing of it may reach a browser. */
const FILE = /second-floor|flat\.dxf|flat-2018|flat\.dwg/
/** The icon of the axes, and what its two letters cover at least. */
const AXES_PX = 120
const LETTERS_PX_MIN = 30
/** Pixels without a colour that are as bright as asked. */
function grey({ width, height, channels, pixels }, isBright) {
  let count = 0
  for (let at = 0; at < width * height * channels; at += channels) {
    const [red, green, blue] = pixels.subarray(at, at + 3)
    if (Math.max(red, green, blue) - Math.min(red, green, blue) < 24 && [red, green, blue].every(isBright)) count += 1
  }
  return count
}
/** An unoptimised server on a busy machine. */
const OPEN_MS_MAX = 180_000

describe('the drawing editor', () => {
  let demo
  let browser
  let config
  before(async () => {
    demo = await startDemo()
    browser = await launch()
    config = await (await fetch(new URL('config.json', demo.info.partner_url))).json()
  })
  after(async () => {
    await browser?.close()
    await demo?.stop()
  })

  /** Whatever a test leaves open, an editor that holds the lease above all. */
  const opened = new Set()
  afterEach(async () => {
    for (const visited of opened) await leave(visited)
  })

  /** A token, as the partner's page gets it from its own back end. */
  async function token(wish = {}) {
    const answer = await fetch(new URL('token', demo.info.partner_url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ drawing: config.drawings[0].id, ...wish }),
    })
    assert.equal(answer.status, 200)
    return (await answer.json()).token
  }

  /** A page that remembers all that it said, was told and complained about. */
  async function openPage({ expected = () => false, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(OPEN_MS_MAX)
    opened.add({ page, context })
    const seen = { errors: [], hosts: new Set(), urls: [], said: [], heard: [] }
    page.on('console', (message) => {
      const error = `${message.text()} (${message.location().url})`
      if (message.type() === 'error' && !expected(error)) seen.errors.push(error)
    })
    page.on('pageerror', (error) => seen.errors.push(String(error)))
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url())
      if (!protocol.startsWith('http') && !protocol.startsWith('ws')) return
      seen.hosts.add(host)
      seen.urls.push(request.url())
      seen.said.push(JSON.stringify(request.headers()), request.postData() ?? '')
    })
    page.on('response', async (response) => {
      seen.heard.push(JSON.stringify(response.headers()))
      const type = response.headers()['content-type'] ?? ''
      // The drawing itself, and code, are no place where a key could stand by accident.
      if (/json|html|plain/.test(type)) seen.heard.push((await response.text().catch(() => '')) ?? '')
    })
    return { context, page, seen }
  }

  async function editorReady(root) {
    await root.locator('#opening').waitFor({ state: 'hidden', timeout: OPEN_MS_MAX })
    await root.locator('#workspace').waitFor({ state: 'visible' })
  }

  /** Ends the session as well as the page: a browser that is shut down gives no lease back. */
  async function leave({ page, context }) {
    const session = await page.evaluate(() => sessionStorage.getItem('vitrine-editor-session')).catch(() => null)
    await context.close()
    for (const visited of opened) if (visited.context === context) opened.delete(visited)
    if (session) await fetch(`${config.editor_url}/session`, { method: 'DELETE', headers: { authorization: `Bearer ${session}` } })
  }

  /** The editor in a tab of its own. */
  async function visit(wish, options) {
    const visited = await openPage(options)
    const apitoken = await token(wish)
    await visited.page.goto(`${config.editor_url}?apitoken=${apitoken}`)
    await editorReady(visited.page)
    return { ...visited, apitoken }
  }

  /** The partner's page with the editor in its frame. */
  async function partner(options) {
    const visited = await openPage(options)
    await visited.page.goto(demo.info.partner_url)
    await visited.page.locator('#state', { hasText: 'The plan is open' }).waitFor({ timeout: OPEN_MS_MAX })
    const frame = visited.page.frames().find((candidate) => candidate.url().startsWith(config.editor_url))
    return { ...visited, frame }
  }

  /** Types whole lines into whatever has the focus, as a person at the command line does. */
  async function type(page, ...lines) {
    for (const line of lines) {
      await page.keyboard.type(line)
      await page.keyboard.press('Enter')
    }
  }

  async function savingSays(page, words) {
    await page.locator('#saving', { hasText: words }).waitFor({ timeout: OPEN_MS_MAX })
  }

  /** What the server has, asked with the session of the page. */
  async function stored(page) {
    const session = await page.evaluate(() => sessionStorage.getItem('vitrine-editor-session'))
    const answer = await fetch(`${config.editor_url}/drawing`, { headers: { authorization: `Bearer ${session}` } })
    assert.equal(answer.status, 200)
    return { text: await answer.text(), etag: answer.headers.get('etag'), session }
  }

  const circles = (dxf) => dxf.split(/\r?\n\s*0\r?\nCIRCLE\r?\n/).length - 1

  function assertQuiet({ seen }) {
    assert.deepEqual(seen.errors, [], 'errors on the console')
    const own = new Set(
      Object.entries(demo.info)
        .filter(([name, value]) => name.endsWith('_url') && typeof value === 'string')
        .map(([, value]) => new URL(value).host),
    )
    own.add(new URL(config.editor_url).host)
    assert.deepEqual([...seen.hosts].filter((host) => !own.has(host)), [], 'requests to other hosts')
  }

  async function assertAccessible(root) {
    await root.evaluate(AXE)
    const violations = await root.evaluate(async (rules) => {
      const { violations } = await axe.run(document, { runOnly: rules })
      return violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.target.join(' ')).join(', ')})`)
    }, AXE_RULES)
    assert.deepEqual(violations, [])
  }

  /** All that the browser keeps for this page, as text. */
  const kept = (root) =>
    root.evaluate(async () => {
      const databases = []
      for (const { name, version } of await indexedDB.databases().catch(() => [])) {
        const opened = await new Promise((resolve, reject) => {
          const request = indexedDB.open(name, version)
          request.onsuccess = () => resolve(request.result)
          request.onerror = () => reject(request.error)
        })
        for (const store of opened.objectStoreNames) {
          const keys = await new Promise((resolve) => {
            const request = opened.transaction(store).objectStore(store).getAllKeys()
            request.onsuccess = () => resolve(request.result)
          })
          databases.push(`${name}/${store}: ${keys.join(' ')}`)
        }
        opened.close()
      }
      // A frame of another site may be refused any storage.
      const all = (read) => {
        try {
          return { ...read() }
        } catch {
          return {}
        }
      }
      const session = all(() => sessionStorage)
      const local = all(() => localStorage)
      return JSON.stringify({ session, local, cookie: document.cookie, databases })
    })

  test('the partner page opens a DXF and a DWG by token, and the browser learns no key, file name or server', async () => {
    const visited = await partner()
    const { page, seen } = visited
    await modelVisible(page, page.frameLocator('iframe'))
    await keep(page, 'partner-wide')
    // The second plan is a DWG file.
    const [dxf, dwg] = config.drawings
    await page.locator('#drawing').selectOption(dwg.id)
    await page.locator('#plan-heading', { hasText: dwg.title }).waitFor()
    await page.locator('#state', { hasText: 'The plan is open' }).waitFor()
    await page.frameLocator('iframe').locator('#title', { hasText: dwg.title }).waitFor()
    await modelVisible(page, page.frameLocator('iframe'))
    await keep(page, 'partner-dwg')
    assert.notEqual(dxf.title, dwg.title)
    const frame = page.frames().find((candidate) => candidate.url().startsWith(config.editor_url))
    const tokens = seen.urls.filter((url) => url.includes('apitoken=')).map((url) => new URL(url).searchParams.get('apitoken'))
    assert.equal(tokens.length, 2, 'each token stands in one address')
    const apitoken = tokens[1]
    for (const one of tokens) assert.match(one, /^[0-9a-f-]{36}$/)
    assert.ok(!tokens.some((one) => frame.url().includes(one)), `the address still holds the token: ${frame.url()}`)
    const inside = await kept(frame)
    const outside = await kept(page)
    const shown = (await page.content()).replaceAll(/src="[^"]*apitoken=[^"]*"/g, '') + (await frame.content())
    const known = { urls: seen.urls.join('\n'), said: seen.said.join('\n'), heard: seen.heard.join('\n'), inside, outside, shown }
    for (const [place, text] of Object.entries(known)) {
      assert.ok(!text.includes(demo.info.partner_key), `the key is in ${place}`)
      assert.doesNotMatch(text, /vit_pk_/, `a key is in ${place}`)
      assert.doesNotMatch(text, FILE, `the file's name is in ${place}`)
    }
    assert.ok(!inside.includes(apitoken) && !outside.includes(apitoken), 'the token is kept')
    assert.deepEqual(Object.keys(JSON.parse(inside).session).filter((name) => name !== 'vitrine-editor-session'), [])
    const { cookies, origins } = await visited.context.storageState()
    assert.deepEqual({ cookies, origins }, { cookies: [], origins: [] }, 'something outlives the tab')
    assertQuiet(visited)
    await leave(visited)
  })

  test('the editor page cannot verify its own token', async () => {
    const visited = await visit({}, { expected: (text) => /verify|40\d/.test(text) })
    const answer = await visited.page.evaluate(async (apitoken) => {
      const response = await fetch('/verify', { headers: { 'x-api-token': apitoken } })
      return { status: response.status, text: await response.text() }
    }, visited.apitoken)
    assert.ok([403, 404].includes(answer.status), `status ${answer.status}`)
    assert.doesNotMatch(answer.text, FILE)
    await leave(visited)
  })

  test('a reload shows the drawing again, without the token', async () => {
    const visited = await visit({})
    const { page } = visited
    assert.ok(!page.url().includes(visited.apitoken))
    await page.reload()
    await editorReady(page)
    await modelVisible(page)
    assertQuiet(visited)
    await leave(visited)
  })

  test('what is drawn by command line is saved, and there when the drawing is opened again', async () => {
    const visited = await visit({ access: 'edit' })
    const { page } = visited
    const before_save = await stored(page)
    await type(page, 'CIRCLE', '2500,3000', '812.5')
    await savingSays(page, 'Not saved yet')
    await type(page, 'LINE', '500,500', '4500,5500', '')
    await type(page, 'TEXT', '600,600', '180', 'Checked by Ada')
    await page.keyboard.press('Control+z')
    await type(page, 'TEXT', '600,600', '180', 'Checked by Grace')
    await page.keyboard.press('Control+s')
    await savingSays(page, /^Saved/)
    await modelVisible(page)
    await keep(page, 'editor-edit-wide')
    assertQuiet(visited)
    await leave(visited)

    const again = await visit({ access: 'view' })
    const { text, etag } = await stored(again.page)
    assert.notEqual(etag, before_save.etag)
    assert.equal(circles(text), circles(before_save.text) + 1)
    assert.match(text, /812\.5/)
    assert.match(text, /Checked by Grace/)
    assert.doesNotMatch(text, /Checked by Ada/)
    await modelVisible(again.page)
    await leave(again)
  })

  test('viewing draws nothing and saves nothing, whatever the page asks', async () => {
    const visited = await visit({ access: 'view', locale: 'de' }, { expected: (text) => text.includes('403') })
    const { page } = visited
    const { text, etag, session } = await stored(page)
    await type(page, 'LINE')
    await page.getByText('Diesen Befehl gibt es in der Ansicht nicht').first().waitFor()
    assert.equal(await page.getByRole('button', { name: 'Linie' }).count(), 0)
    const status = await page.evaluate(
      async ([bearer, match, body]) => {
        const response = await fetch('/editor/drawing', {
          method: 'PUT',
          headers: { authorization: `Bearer ${bearer}`, 'if-match': match },
          body,
        })
        return response.status
      },
      [session, etag, text],
    )
    assert.equal(status, 403)
    assert.equal((await stored(page)).etag, etag)
    await leave(visited)
  })

  test('a second editor sees the drawing and who is editing it', async () => {
    const first = await visit({ access: 'edit', user: 'u-1' })
    await first.page.locator('#badge', { hasText: 'Editing' }).waitFor()
    const second = await visit({ access: 'edit', user: 'u-2' })
    await second.page.getByText('Ada is editing this drawing').waitFor()
    assert.equal(await second.page.locator('#badge').innerText(), 'View only')
    await keep(second.page, 'editor-second')
    await first.page.goto('about:blank')
    await until('the lease is free', async () => {
      const edit = second.page.locator('#notice').getByRole('button', { name: 'Edit' })
      if (await edit.isVisible()) await edit.click()
      return (await second.page.locator('#badge').innerText()) === 'Editing'
    })
    await leave(second)
  })

  test('a save on a version that is no longer the newest is told, with its choices, and overwrites nothing', async () => {
    const visited = await visit({ access: 'edit' }, { expected: (text) => text.includes('409') })
    const { page } = visited
    await type(page, 'CIRCLE', '7000,3000', '321.5')
    const other = await stored(page)
    const theirs = other.text.replaceAll('FURNITURE', 'FURNISHED')
    assert.notEqual(theirs, other.text)
    const meanwhile = await fetch(`${config.editor_url}/drawing`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${other.session}`, 'if-match': other.etag, origin: new URL(config.editor_url).origin },
      body: theirs,
    })
    assert.equal(meanwhile.status, 200, await meanwhile.clone().text())
    await page.keyboard.press('Control+s')
    await page.getByText('Somebody else saved this drawing meanwhile').waitFor()
    await keep(page, 'editor-conflict')
    assert.doesNotMatch((await stored(page)).text, /321\.5/)
    await page.getByRole('button', { name: 'Save mine as the newest' }).click()
    await savingSays(page, /^Saved/)
    assert.match((await stored(page)).text, /321\.5/)
    await leave(visited)
  })

  test('a token that is none, and a session that is over, are told in words', async () => {
    const visited = await openPage({ expected: () => true })
    const { page } = visited
    await page.goto(`${config.editor_url}?apitoken=11111111-1111-4111-8111-111111111111`)
    await page.getByText('The access to this drawing has expired or was used already').waitFor()
    await keep(page, 'editor-refused')
    await assertAccessible(page)
    await page.goto(config.editor_url)
    await page.getByText('This address names no drawing').waitFor()
    await leave(visited)

    const ended = await visit({}, { expected: (text) => text.includes('410') })
    const { session } = await stored(ended.page)
    const closed = await fetch(`${config.editor_url}/session`, { method: 'DELETE', headers: { authorization: `Bearer ${session}` } })
    assert.equal(closed.status, 204)
    await ended.page.reload()
    await ended.page.getByText('This editing session has ended').waitFor()
    await leave(ended)
  })

  test('the page around runs allowed commands, hears of changes, and gets no Lisp', async () => {
    const visited = await partner()
    const { page } = visited
    await page.getByText('Editing', { exact: true }).click()
    await page.locator('#mode', { hasText: 'Stop editing' }).waitFor({ timeout: OPEN_MS_MAX })
    await page.getByRole('button', { name: 'Draw a circle' }).click()
    await page.locator('#state', { hasText: 'not saved yet' }).waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('#state', { hasText: 'All changes are saved' }).waitFor()
    const answers = await page.evaluate(
      async (origin) => {
        const frame = document.getElementById('cadcontent')
        const ask = (message) =>
          new Promise((resolve) => {
            const id = crypto.randomUUID()
            setTimeout(() => resolve({ status: 'no answer' }), 150_000)
            addEventListener('message', function hear({ data }) {
              if (data.messageName !== id) return
              removeEventListener('message', hear)
              resolve(JSON.parse(data.message))
            })
            frame.contentWindow.postMessage({ ...message, resultMessage: id }, origin)
          })
        return {
          lisp: await ask({ messageName: 'runlisp', lispExpression: '(alert "x")' }),
          open: await ask({ messageName: 'runcommand', commandString: '_OPEN' }),
          variable: await ask({ messageName: 'setvariable', variableName: 'LTSCALE', variableValue: '2' }),
          name: await ask({ messageName: 'setvariable', variableName: 'CLAYER', variableValue: 'FURNITURE' }),
          nowhere: await ask({ messageName: 'setvariable', variableName: 'CLAYER', variableValue: 'NOWHERE' }),
          number: await ask({ messageName: 'setvariable', variableName: 'LTSCALE', variableValue: 'two' }),
          secret: await ask({ messageName: 'setvariable', variableName: 'DWGNAME', variableValue: 'x' }),
          view: await ask({ messageName: 'stateChanged', state: 'view' }),
        }
      },
      new URL(config.editor_url).origin,
    )
    assert.equal(answers.lisp.status, 'refused')
    assert.match(answers.lisp.reason, /not supported/)
    assert.equal(answers.open.status, 'refused')
    assert.deepEqual([answers.variable.status, answers.name.status], ['done', 'done'])
    assert.deepEqual([answers.nowhere.status, answers.number.status, answers.secret.status], ['refused', 'refused', 'refused'])
    assert.match(answers.nowhere.reason, /no value of CLAYER/)
    assert.equal(answers.view.status, 'done')
    await page.locator('#mode', { hasText: 'Edit' }).waitFor()
    await page.getByText('Messages between this page and the editor').click()
    for (const event of ['commandWillStart', 'commandEnded']) await page.locator('#log', { hasText: event }).waitFor()
    assertQuiet(visited)
    await leave(visited)
  })

  test('the letters of the axes are seen on any background, clear of the command line', async () => {
    for (const [width, height, whitebackground] of [[1280, 800, false], [1280, 800, true], [360, 740, false], [360, 740, true]]) {
      const visited = await visit({ access: 'view', whitebackground }, { viewport: { width, height } })
      const { page } = visited
      const line = await page.locator('.ml-cli-bar').boundingBox()
      const stage = await page.locator('#stage').boundingBox()
      // The corner of the icon, above the command line where that reaches into it.
      const isNarrow = line.x - stage.x < AXES_PX
      const bottom = isNarrow ? line.y : stage.y + stage.height
      const clip = { x: stage.x, y: bottom - AXES_PX, width: AXES_PX, height: AXES_PX }
      const letters = await until('the letters are drawn', async () => {
        const picture = readPng(await page.screenshot({ clip }))
        const found = grey(picture, whitebackground ? (value) => value < 100 : (value) => value > 215)
        return found > LETTERS_PX_MIN && found
      }, { ms_max: OPEN_MS_MAX })
      console.log(`axes at ${width} px, ${whitebackground ? 'white' : 'dark'}: ${letters} pixels of letters`)
      await keep(page, `editor-axes-${width}-${whitebackground ? 'white' : 'dark'}`)
      await leave(visited)
    }
  })

  test('where the partner has a list of commands, the page around runs those and no others, and people all', async () => {
    const folder = path.join(demo.data, 'customization')
    const list = path.join(folder, 'Default Files/OEM Commands')
    await mkdir(list, { recursive: true })
    await writeFile(path.join(list, 'commands.xml'), '<commands><OEM name="demo"><command name="_SWITCHBG"/><command name="_OPEN"/></OEM></commands>')
    const set = (url) => run(['partner', 'set', 'demo', '--customization', url, '--data', demo.data])
    await set(`file://${folder}`)
    try {
      const visited = await partner()
      const { page, frame } = visited
      const answers = await page.evaluate(async (origin) => {
        const { contentWindow } = document.getElementById('cadcontent')
        const ask = (commandString) =>
          new Promise((resolve) => {
            const id = crypto.randomUUID()
            addEventListener('message', function hear({ data }) {
              if (data.messageName !== id) return
              removeEventListener('message', hear)
              resolve(JSON.parse(data.message))
            })
            contentWindow.postMessage({ messageName: 'runcommand', commandString, resultMessage: id }, origin)
          })
        return { listed: await ask('_SWITCHBG '), other: await ask('_REGEN '), noneOfOurs: await ask('_OPEN ') }
      }, new URL(config.editor_url).origin)
      assert.deepEqual(answers.listed, { status: 'done' })
      assert.equal(answers.other.status, 'refused')
      assert.match(answers.other.reason, /REGEN is not in the partner's list of commands/)
      assert.equal(answers.noneOfOurs.status, 'refused')
      await frame.locator('.ml-cli-text').focus()
      await type(page, 'REGEN')
      await frame.locator('#notice').waitFor({ state: 'hidden' })
      assertQuiet(visited)
      await leave(visited)
    } finally {
      await set('')
    }
  })

  test('a command that a person breaks off is told as cancelled', async () => {
    const visited = await partner()
    const { page } = visited
    await page.getByText('Editing', { exact: true }).click()
    await page.locator('#mode', { hasText: 'Stop editing' }).waitFor()
    await page.getByText('Messages between this page and the editor').click()
    const editor = page.frameLocator('iframe')
    await editor.getByRole('button', { name: 'Circle' }).click()
    await page.locator('#log', { hasText: 'commandWillStart' }).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('#log', { hasText: 'commandCancelled' }).waitFor()
    assert.equal(await page.locator('#log li', { hasText: 'commandEnded' }).count(), 0)
    // Gives the lease back: the next test wants to edit.
    await page.locator('#mode', { hasText: 'Stop editing' }).click()
    await page.locator('#state', { hasText: 'open for viewing' }).waitFor()
    assertQuiet(visited)
    await leave(visited)
  })

  test('whoever leaves with unsaved changes is asked, and the changes are saved meanwhile', async () => {
    const visited = await visit({ access: 'edit' })
    const { page } = visited
    await type(page, 'CIRCLE', '2500,3000', '432.25')
    await savingSays(page, 'Not saved yet')
    const { session } = await stored(page)
    const asked = new Promise((resolve) => page.once('dialog', resolve))
    const left = page.close({ runBeforeUnload: true })
    const dialog = await asked
    assert.equal(dialog.type(), 'beforeunload')
    await until(
      'the change is saved',
      async () => {
        const answer = await fetch(`${config.editor_url}/drawing`, { headers: { authorization: `Bearer ${session}` } })
        return /432\.25/.test(await answer.text())
      },
      { ms_max: OPEN_MS_MAX },
    )
    await dialog.accept()
    await left
    await fetch(`${config.editor_url}/session`, { method: 'DELETE', headers: { authorization: `Bearer ${session}` } })
    await leave(visited)
  })

  test('a page that is not on the list of the partner gets no frame', async () => {
    const visited = await openPage({ expected: () => true })
    const { page } = visited
    await page.goto(new URL('/config.json', demo.info.stranger_url).href)
    const apitoken = await token({ one_time: true })
    await page.evaluate((source) => {
      const frame = document.createElement('iframe')
      frame.src = source
      document.body.replaceChildren(frame)
    }, `${config.editor_url}?apitoken=${apitoken}`)
    await page.waitForLoadState('networkidle')
    assert.equal(await page.frameLocator('iframe').locator('#workspace').count(), 0)
    assert.deepEqual(visited.seen.urls.filter((url) => url.endsWith('/editor/session')), [])
    await leave(visited)
  })

  for (const [name, options] of [
    ['wide', { colorScheme: 'light' }],
    ['wide-dark', { colorScheme: 'dark' }],
    ['360', { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
    ['360-dark', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }],
  ]) {
    for (const access of ['view', 'edit']) {
      test(`the editor is accessible and nothing is cut off: ${access}, ${name}`, async () => {
        const visited = await visit({ access, whitebackground: name === 'wide' }, options)
        const { page } = visited
        await modelVisible(page)
        await keep(page, `editor-${access}-${name}`)
        await assertAccessible(page)
        if (await page.locator('#panel').isHidden()) await page.locator('#panel-button').click()
        await keep(page, `editor-${access}-${name}-panel`)
        await assertAccessible(page)
        const { scroll, client } = await page.evaluate(() => ({
          scroll: document.scrollingElement.scrollWidth,
          client: document.scrollingElement.clientWidth,
        }))
        assert.ok(scroll <= client, `the page is ${scroll} pixels wide in a window of ${client}`)
        assertQuiet(visited)
        await leave(visited)
      })
    }
    test(`the partner page is accessible and nothing is cut off: ${name}`, async () => {
      const visited = await partner(options)
      await keep(visited.page, `partner-${name}`)
      await assertAccessible(visited.page)
      const { scroll, client } = await visited.page.evaluate(() => ({
        scroll: document.scrollingElement.scrollWidth,
        client: document.scrollingElement.clientWidth,
      }))
      assert.ok(scroll <= client, `the page is ${scroll} pixels wide in a window of ${client}`)
      assertQuiet(visited)
      await leave(visited)
    })
  }
})
