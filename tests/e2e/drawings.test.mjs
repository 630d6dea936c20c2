// A drawing that holds whatever editors tend to lose is opened in a real browser, changed there by commands and by the mouse, saved and
// opened again; ezdxf, which has nothing of Vitrine's, audits it before and after, entity by entity. From a folder and from S3, from a
// DXF and from a DWG file.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { keep, launch, modelVisible } from './lib/chromium.mjs'
import { Folder, S3Bucket, startPartner } from './lib/partner.mjs'
import { PYTHON, script, startS3 } from './lib/s3.mjs'

const execute = promisify(execFile)
const FLAT_DWG = new URL('../../demo/drawings/flat.dwg', import.meta.url)
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024
/** An unoptimised server on a busy machine. */
const WAIT_MS_MAX = 120_000
/** Records that hold other ones: what is added to a drawing is listed there. */
const HOLDERS = new Set(['TABLE', 'DICTIONARY'])

const python = async (...args) =>
  (await execute(PYTHON, [script('drawings.py'), ...args], { maxBuffer: OUTPUT_BYTES_MAX, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } })).stdout

let browser
let home
before(async () => {
  browser = await launch()
  home = await mkdtemp(path.join(tmpdir(), 'vitrine-drawings-'))
  await python('make', path.join(home, 'rich.dxf'))
})
after(async () => {
  await browser?.close()
  if (home) await rm(home, { recursive: true, force: true })
})

/** Both files as ezdxf sees them. */
async function audited(name, old, now) {
  const files = [`${name}-before.dxf`, `${name}-after.dxf`].map((file) => path.join(home, file))
  await writeFile(files[0], old)
  await writeFile(files[1], now)
  return (await python('audit', ...files)).trim().split('\n').map((line) => JSON.parse(line))
}

/** What became of the records: by their handles, which kinds went, came and changed. */
function compared(old, now) {
  const difference = { gone: [], added: [], changed: [], kept: 0 }
  for (const [handle, [kind, digest]] of Object.entries(old.records)) {
    const there = now.records[handle]
    if (!there || there[0] !== kind) difference.gone.push(`${kind} ${handle}`)
    else if (there[1] !== digest) difference.changed.push(`${kind} ${handle}`)
    else difference.kept += 1
  }
  for (const [handle, [kind]] of Object.entries(now.records)) if (!old.records[handle]) difference.added.push(`${kind} ${handle}`)
  return difference
}

const kindOf = (text) => text.split(' ')[0]

/** A page with the editor in it. */
async function open(partner, parameters) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const errors = []
  /** All that went over the wire, but for the drawing and code. */
  const wire = []
  page.on('request', (request) => wire.push(request.url(), JSON.stringify(request.headers()), request.url().endsWith('/editor/drawing') ? '' : (request.postData() ?? '')))
  page.on('response', async (response) => {
    wire.push(JSON.stringify(response.headers()))
    if (/json|html/.test(response.headers()['content-type'] ?? '')) wire.push((await response.text().catch(() => '')) ?? '')
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.setDefaultTimeout(WAIT_MS_MAX)
  await page.goto(`${partner.content}/editor?apitoken=${await partner.token({ userId: 'u-1', locale: 'en', ...parameters })}`)
  await page.locator('#opening').waitFor({ state: 'hidden' })
  await modelVisible(page)
  const session = await page.evaluate(() => sessionStorage.getItem('vitrine-editor-session'))
  return {
    page,
    errors,
    wire,
    stored: async () => (await partner.drawing(session)).body,
    async leave() {
      await context.close()
      await partner.close(session)
    },
  }
}

/** Types whole lines into whatever has the focus, as a person at the command line does. */
async function type(page, ...lines) {
  for (const line of lines) {
    await page.keyboard.type(line)
    await page.keyboard.press('Enter')
  }
}

/** Where on the page a point of the drawing is, found as a person finds it: by what the status line says under the pointer. */
async function screenOf(page) {
  const box = await page.locator('#stage canvas').first().boundingBox()
  const reading = async (x, y) => {
    await page.mouse.move(x, y)
    await page.mouse.move(x + 1, y)
    const text = await page.locator('#pointer').innerText()
    return text.trim().split(/\s+/).map(Number)
  }
  const at = [box.x + box.width * 0.3, box.y + box.height * 0.3]
  const to = [box.x + box.width * 0.7, box.y + box.height * 0.7]
  const [one, other] = [await reading(...at), await reading(...to)]
  const scale = [0, 1].map((axis) => (to[axis] - at[axis]) / (other[axis] - one[axis]))
  assert.ok(scale.every(Number.isFinite), `the status line says ${one} and ${other}`)
  return (x, y) => [at[0] + 1 + (x - one[0]) * scale[0], at[1] + (y - one[1]) * scale[1]]
}

/** Draws a box around the circle at `x`, `y`, from left to right: what lies in it whole is selected. */
async function selectAround(page, x, y, radius) {
  const place = await screenOf(page)
  const [left, top] = place(x - radius, y + radius)
  const [right, bottom] = place(x + radius, y - radius)
  await page.mouse.move(left - 4, top - 4)
  await page.mouse.down()
  await page.mouse.move((left + right) / 2, (top + bottom) / 2)
  await page.mouse.move(right + 4, bottom + 4)
  await page.mouse.up()
}

async function saved(page) {
  await page.keyboard.press('Control+s')
  await page.locator('#saving', { hasText: /^Saved/ }).waitFor()
}

function report(name, [old, now], difference) {
  const total = Object.keys(old.records).length
  console.log(`${name}: ${total} records with handles before, ${Object.keys(now.records).length} after; ${difference.kept} kept pair for pair`)
  for (const what of ['gone', 'changed', 'added']) console.log(`  ${what}: ${difference[what].join(', ') || 'none'}`)
  console.log(`  ezdxf: ${old.errors.length} errors and ${old.fixes.length} fixes before, ${now.errors.length} and ${now.fixes.length} after`)
  const kinds = Object.entries(old.kinds).sort(([a], [b]) => a.localeCompare(b))
  console.log(`  kinds: ${kinds.map(([kind, count]) => `${kind} ${count}→${now.kinds[kind] ?? 0}`).join(', ')}`)
}

function suite(makeBucket, start = async () => ({})) {
  let partner
  let around
  before(async () => {
    around = await start()
    partner = await startPartner({ makeBucket: (folder) => makeBucket(folder, around.s3) })
  })
  after(async () => {
    await partner?.stop()
    await around?.s3?.stop()
  })

  test('what a person changes is there afterwards, and all else is as it was, entity by entity', async () => {
    const original = await readFile(path.join(home, 'rich.dxf'))
    await partner.bucket.put('plans/rich.dxf', original)
    const visited = await open(partner, { file: 'plans/rich.dxf', access: 'edit' })
    const { page } = visited
    assert.deepEqual(await visited.stored(), original)
    await type(page, 'CIRCLE', '10000,5000', '812.5')
    await type(page, 'TEXT', '10000,7000', '180', 'Checked by Grace')
    await type(page, 'DIMLINEAR', '10000,3000', '11000,3000', '10500,2500')
    await type(page, 'ERASE')
    await selectAround(page, 12_000, 0, 77)
    await page.keyboard.press('Enter')
    await type(page, 'MOVE')
    await selectAround(page, 12_000, 2_000, 88)
    await page.keyboard.press('Enter')
    await type(page, '0,0', '0,500')
    await keep(page, 'drawings-rich-edited')
    await saved(page)
    const after_save = await visited.stored()
    assert.deepEqual(visited.errors, [])
    await visited.leave()

    const both = await audited('rich', original, after_save)
    const [old, now] = both
    const difference = compared(old, now)
    report(partner.bucket.constructor.name, both, difference)
    assert.deepEqual(now.errors, [])
    assert.deepEqual(now.fixes, old.fixes)
    assert.deepEqual(now.layouts, old.layouts)
    assert.deepEqual(now.blocks.filter((name) => old.blocks.includes(name)), old.blocks)
    assert.deepEqual(difference.gone.map(kindOf), ['CIRCLE'], 'the one that was erased')
    assert.deepEqual(difference.changed.map(kindOf).filter((kind) => !HOLDERS.has(kind)), ['CIRCLE'], 'the one that was moved')
    assert.deepEqual(now.circles, [88, 812.5])
    assert.ok(now.texts.includes('Checked by Grace'))
    assert.equal(now.model.DIMENSION, old.model.DIMENSION + 1)
    // The new one is of the style that the others have, since none of them has the header's; what it measures is not written down.
    assert.deepEqual(now.dimension_styles, old.dimension_styles)
    assert.deepEqual(now.dimensions, [...old.dimensions, ['ACME_DIM', '<>']].sort())
    const added = difference.added.map(kindOf)
    for (const kind of ['CIRCLE', 'TEXT', 'DIMENSION']) assert.ok(added.includes(kind), `${kind} was added`)
    for (const [kind, count] of Object.entries(old.kinds)) {
      if (kind !== 'CIRCLE') assert.ok(now.kinds[kind] >= count, `${kind}: ${count} before, ${now.kinds[kind]} after`)
    }
    assert.deepEqual(await partner.bucket.get('plans/rich.dxf'), original, 'the partner’s own file is not written to')
    const versions = await partner.bucket.names('.vitrine/versions/plans/rich.dxf/')
    assert.deepEqual(await partner.bucket.get(versions[0]), original)
    assert.deepEqual(Buffer.from(await partner.bucket.get(versions.at(-1))), after_save)

    const again = await open(partner, { file: 'plans/rich.dxf', access: 'view' })
    assert.deepEqual(await again.stored(), after_save)
    assert.deepEqual(again.errors, [])
    await again.leave()
  })

  test('a DWG file is changed and saved as DXF without a loss', async () => {
    const original = await readFile(FLAT_DWG)
    await partner.bucket.put('plans/flat.dwg', original)
    const visited = await open(partner, { file: 'plans/flat.dwg', access: 'edit' })
    const read = await visited.stored()
    await type(visited.page, 'LINE', '500,500', '4500,5500', '')
    await saved(visited.page)
    const after_save = await visited.stored()
    assert.deepEqual(visited.errors, [])
    await visited.leave()
    const both = await audited('dwg', read, after_save)
    const [old, now] = both
    const difference = compared(old, now)
    report(`${partner.bucket.constructor.name}, DWG`, both, difference)
    assert.deepEqual(now.errors, [])
    assert.deepEqual(difference.gone, [])
    assert.deepEqual(difference.changed.map(kindOf).filter((kind) => !HOLDERS.has(kind)), [])
    assert.deepEqual(difference.added.map(kindOf), ['LINE'])
    for (const kind of ['XRECORD', 'INSERT', 'HATCH', 'DIMENSION', 'SPLINE', 'LAYOUT']) assert.ok(now.kinds[kind] > 0, kind)
    assert.deepEqual(await partner.bucket.get('plans/flat.dwg'), original)
  })
}

describe('drawings in a folder', () => suite((folder) => new Folder(folder)))

describe('drawings on S3', () => suite((_folder, s3) => new S3Bucket(s3, 'drawings', 'acme'), async () => ({ s3: await startS3('drawings') })))

describe('workspaces of the customization bucket', () => {
  let partner
  before(async () => {
    partner = await startPartner()
    await partner.bucket.put('flat.dxf', await readFile(new URL('../../demo/drawings/flat.dxf', import.meta.url)))
    const own = new Folder(path.join(partner.home, 'customization'))
    const window = (name, visible) => `<window object_name="${name}" visible="${visible}"/>`
    const workspace = `<workspace status_bar_visible="0"><dockable_windows>${window('CommandWindow', 0)}${window('PropertyWindow', 0)}</dockable_windows></workspace>`
    await own.put('Default Files/Workspaces/Quiet.xml', workspace)
    await partner.cli('partner', 'set', 'acme', '--customization', own.url)
  })
  after(() => partner?.stop())

  test('what a workspace hides is not shown, and what none speaks of is', async () => {
    for (const [workspace, isShown] of [['Quiet', false], ['Another', true]]) {
      const visited = await open(partner, { file: 'flat.dxf', access: 'edit', workspace })
      for (const x of [600, 610]) await visited.page.mouse.move(x, 400)
      for (const part of ['.ml-cli-bar', '#panel', '#pointer']) await visited.page.locator(part).waitFor({ state: isShown ? 'visible' : 'hidden' })
      await keep(visited.page, `drawings-workspace-${workspace}`)
      assert.deepEqual(visited.errors, [])
      await visited.leave()
    }
  })
})

/** An API server of a partner: one drawing, and what was asked. */
class ApiServer {
  async start() {
    this.asked = []
    this.drawing = await readFile(new URL('../../demo/drawings/flat.dxf', import.meta.url))
    this.http = http.createServer(async (incoming, answer) => {
      const chunks = await incoming.toArray()
      this.asked.push({ method: incoming.method, url: incoming.url, headers: incoming.headers })
      if (incoming.method !== 'GET') this.drawing = Buffer.concat(chunks)
      answer.writeHead(200, { 'content-type': 'application/octet-stream' }).end(incoming.method === 'GET' ? this.drawing : '')
    })
    this.http.listen(0, '127.0.0.1')
    await once(this.http, 'listening')
    this.url = `http://127.0.0.1:${this.http.address().port}`
    return this
  }

  stop() {
    this.http.close()
    this.http.closeAllConnections()
  }
}

/** Partners' API servers: as the contract says, and with routes and headers of their own. */
const CONTRACTS = [
  {
    name: 'as the contract says',
    settings: [],
    routes: ['GET /base/files/plan-4711/diffs', 'PUT /base/files/plan-4711/diffs'],
    headers: { sessionid: 'their-session', token: 'their-token' },
  },
  {
    name: 'with routes and headers of its own',
    settings: ['read=/drawings/content?name={file}', 'write=POST /v2/{file}/versions', 'session-header=X-Acme-Session', 'token-header=Authorization'],
    routes: ['GET /base/drawings/content?name=plan-4711', 'POST /base/v2/plan-4711/versions'],
    headers: { 'x-acme-session': 'their-session', authorization: 'their-token' },
  },
]

for (const { name, settings, routes, headers } of CONTRACTS) {
  describe(`drawings of an API server, ${name}`, () => {
    let partner
    let api
    let stranger
    before(async () => {
      api = await new ApiServer().start()
      stranger = await new ApiServer().start()
      partner = await startPartner({
        config: `[egress.api-server]\nhosts = ["${api.url}"]\n`,
        settings: ['--server', api.url, '--server', stranger.url, ...settings.flatMap((entry) => ['--api', entry])],
      })
    })
    after(async () => {
      await partner?.stop()
      api?.stop()
      stranger?.stop()
    })

    test('the server opens and saves with its user’s credentials, and the browser learns nothing of them', async () => {
      const parameters = { server: `${api.url}/base`, file: 'plan-4711', sessionId: 'their-session', token: 'their-token', title: 'House', access: 'edit' }
      const visited = await open(partner, parameters)
      await type(visited.page, 'CIRCLE', '2500,3000', '812.5')
      await saved(visited.page)
      const inside = await visited.page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage, cookie: document.cookie, address: location.href }))
      const known = { wire: visited.wire.join('\n'), inside, shown: await visited.page.content() }
      for (const [place, text] of Object.entries(known)) {
        for (const secret of ['plan-4711', 'their-session', 'their-token', new URL(api.url).host, partner.key]) {
          assert.ok(!text.includes(secret), `${secret} is in ${place}`)
        }
      }
      assert.deepEqual(visited.errors, [])
      await visited.leave()
      assert.deepEqual([...new Set(api.asked.map(({ method, url }) => `${method} ${url}`))], routes)
      for (const asked of api.asked) {
        for (const [header, value] of Object.entries(headers)) assert.equal(asked.headers[header], value, header)
        const others = Object.keys(asked.headers).filter((header) => !(header in headers))
        assert.ok(!others.some((header) => /x-api|cookie|authorization|origin|referer|session|token/.test(header)), others.join(' '))
      }
      assert.match(api.drawing.toString(), /812\.5/)
    })

    test('a server that the operator has not let out is not asked, though it is the partner’s', async () => {
      const answer = await partner.open(await partner.token({ server: stranger.url, file: 'plan-4711' }))
      assert.deepEqual([answer.status, answer.json.code], [400, 'request-invalid'], answer.body.toString())
      assert.match(answer.json.message, /may not fetch/)
      assert.ok(!answer.body.toString().includes(new URL(stranger.url).host))
      assert.equal(stranger.asked.length, 0)
    })
  })
}
