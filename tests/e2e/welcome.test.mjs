// The first minutes of a server in a real Chromium: the link that it prints makes the first administrator, a second factor guards the
// account, and an application of somebody else's signs the person in.

import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { keep, launch, openPage } from './lib/chromium.mjs'
import { request } from './lib/http.mjs'
import { Running, freePort, temporaryFolder, until } from './lib/server.mjs'
import { startSite } from './lib/site.mjs'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const AXE_RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true }
const EMAIL = 'ada@example.com'
const PASSWORD = 'a long walk home'
const CLIENT = 'vitrine-console'

/** What an authenticator program shows for a secret (RFC 6238). */
function otp(secret, at = Date.now()) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...secret.replace(/=+$/, '')].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)))
  const mac = createHmac('sha1', key).update(step).digest()
  const from = mac.at(-1) & 15
  return String((mac.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

describe('the first minutes of a server', () => {
  let browser
  let data
  let server
  let base
  let site
  let link
  before(async () => {
    browser = await launch()
    data = await temporaryFolder('welcome')
    const port = await freePort()
    base = `http://127.0.0.1:${port}`
    server = new Running(['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--public-url', base])
    await until('the server answers', async () => (await request('GET', `${base}/healthz`)).status === 200, { ms_max: 120_000 })
    link = await until('the link is printed', () => server.out.match(/http\S+#\/setup\/\S+/)?.[0])
    site = await startSite({ '/back': { html: '<!doctype html><title>Back at the application</title><h1>Back</h1>' } })
  })
  after(async () => {
    await browser?.close()
    await site?.stop()
    await server?.stop()
    if (data) await rm(data, { recursive: true, force: true })
  })

  const api = (method, path, token, json) => request(method, `${base}${path}`, { token, json })
  const signedIn = async (more = {}) =>
    request('POST', `${base}/oauth/token`, { json: { grant_type: 'password', client_id: CLIENT, username: EMAIL, password: PASSWORD, ...more } })

  async function assertAccessible(page, where) {
    await page.evaluate(AXE)
    const violations = await page.evaluate(async (rules) => {
      const { violations } = await axe.run(document, { runOnly: rules })
      return violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.target.join(' ')).join(', ')})`)
    }, AXE_RULES)
    assert.deepEqual(violations, [], where)
  }

  /** On the sign-in page. */
  async function fill(page) {
    await page.getByLabel('E-mail address').fill(EMAIL)
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  test('the link that the start prints makes the first administrator, once', async () => {
    const { page, context } = await openPage(browser, PHONE)
    await page.goto(link)
    await page.getByRole('heading', { name: 'Set up this server' }).waitFor()
    await assertAccessible(page, 'set-up page')
    await keep(page, 'set-up-phone')
    await page.getByLabel('Name').fill('Ada')
    await page.getByLabel('E-mail address').fill(EMAIL)
    await page.getByLabel('Password').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Models' }).waitFor()
    await context.close()
    assert.equal((await signedIn()).status, 200)
    const used = await api('POST', '/api/v1/setup', undefined, { token: link.split('/').at(-1), email: 'eve@example.com', password: PASSWORD })
    assert.deepEqual([used.status, used.json.error.code], [403, 'link-invalid'])
  })

  test('an application is sent back with a code after the person has allowed it', async () => {
    const { access_token: token } = (await signedIn()).json
    const back = `${site.origin}/back`
    const made = await api('POST', '/api/v1/apiclients', token, { client_name: 'Shop designer', redirect_uris: [back] })
    assert.equal(made.status, 200, String(made.body))
    const verifier = 'v'.repeat(64)
    const query = new URLSearchParams({
      client_id: made.json.data.client_id,
      redirect_uri: back,
      response_type: 'code',
      state: 'a state',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    const { page, context } = await openPage(browser)
    await page.goto(`${base}/oauth/authorize?${query}`)
    await fill(page)
    await page.getByRole('heading', { name: 'An application asks' }).waitFor()
    await page.getByText('Shop designer').waitFor()
    await assertAccessible(page, 'page of an application')
    await keep(page, 'authorize-wide')
    await page.getByRole('button', { name: 'Allow it' }).click()
    await page.getByRole('heading', { name: 'Back' }).waitFor()
    const came = new URL(page.url())
    assert.equal(came.searchParams.get('state'), 'a state')
    const traded = await request('POST', `${base}/oauth/token`, {
      json: { grant_type: 'authorization_code', client_id: made.json.data.client_id, code: came.searchParams.get('code'), code_verifier: verifier, redirect_uri: back },
    })
    assert.equal(traded.status, 200, String(traded.body))
    await context.close()
  })

  test('with a second factor the sign-in page asks for its code', async () => {
    const { access_token: token } = (await signedIn()).json
    const user = JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).sub
    const at = `/api/v1/users/${user}/second_factor`
    const { secret } = (await api('POST', at, token, { password: PASSWORD })).json.data
    const confirmed = await api('POST', `${at}/confirm`, token, { otp: otp(secret, Date.now() - 30_000) })
    assert.equal(confirmed.status, 200, String(confirmed.body))
    assert.equal(confirmed.json.data.recovery_codes.length, 10)
    const { page, context } = await openPage(browser, { expected: (error) => error.includes('400') })
    await page.goto(`${base}/`)
    await fill(page)
    await page.getByLabel('Code').waitFor()
    await assertAccessible(page, 'sign-in page with a code')
    await keep(page, 'second-factor-wide')
    await page.getByLabel('Code').fill(otp(secret))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Models' }).waitFor()
    await context.close()
  })
})
