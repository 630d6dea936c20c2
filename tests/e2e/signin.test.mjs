// Signing in otherwise than by a password, in a real Chromium: by a passkey, and at a provider of OpenID Connect that runs on another site.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { keep, launch } from './lib/chromium.mjs'
import { LOOKS, assertAccessible, assertFits, openPatiently } from './lib/console.mjs'
import { request } from './lib/http.mjs'
import { agreeAtProvider, atProvider, startAtProvider, startProvider } from './lib/provider.mjs'
import { Running, freePort, run, temporaryFolder, until } from './lib/server.mjs'

const CLIENT = 'vitrine'
const SECRET = 'a secret that the provider gave'

/** The code of an authenticator program at a moment (RFC 6238). */
function codeAt(base32, at) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...base32.trim()].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)))
  const digest = createHmac('sha1', key).update(step).digest()
  const code = digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff
  return String(code % 1_000_000).padStart(6, '0')
}

describe('signing in otherwise', () => {
  let browser
  let data
  let server
  let base
  let providers
  before(async () => {
    browser = await launch()
    data = await temporaryFolder('signin')
    const [port, ...theirs] = [await freePort(), await freePort(), await freePort()]
    // Another site than the providers' address, so that cookies have to come through as they would on the net.
    base = `http://localhost:${port}`
    providers = await Promise.all(
      ['acme', 'corp'].map((name, at) =>
        startProvider({ port: theirs[at], client: CLIENT, secret: SECRET, redirect: `${base}/oauth/providers/${name}/callback` }),
      ),
    )
    const secret = path.join(data, 'client-secret')
    const config = path.join(data, 'vitrine.toml')
    await writeFile(secret, `${SECRET}\n`)
    const provider = (name, title, { issuer }, more = '') =>
      `[[sign_in_provider]]\nname = "${name}"\ntitle = "${title}"\nissuer = "${issuer}"\nclient_id = "${CLIENT}"\nclient_secret_file = "${secret}"\n${more}\n`
    const making = 'create_users = true\nemail_domains = ["example.com"]'
    await writeFile(config, provider('acme', 'Acme', providers[0]) + provider('corp', 'Corp', providers[1], making))
    server = new Running(['serve', '--config', config, '--data', data, '--listen', `127.0.0.1:${port}`, '--public-url', base])
    await until('the server answers', async () => (await request('GET', `http://127.0.0.1:${port}/healthz`)).status === 200, { ms_max: 180_000 })
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
    for (const provider of providers ?? []) await provider.stop()
    if (data) await rm(data, { recursive: true, force: true })
  })

  const made = async (name) => {
    const { password } = JSON.parse(await run(['user', 'create', `${name}@example.com`, '--name', name, '--data', data]))
    return { email: `${name}@example.com`, password }
  }
  /** A browser of its own, which reaches this machine only. */
  const visit = async (options) => {
    const visited = await openPatiently(browser, options)
    await visited.context.route(
      (url) => !['localhost', '127.0.0.1'].includes(url.hostname),
      (route) => route.abort(),
    )
    await visited.page.goto(`${base}/`)
    return visited
  }
  const byPassword = async (page, { email, password }) => {
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'Models', exact: true }).waitFor()
  }
  const models = (page) => page.getByRole('heading', { name: 'Models', exact: true }).waitFor()
  const accountPage = (page) => page.getByRole('heading', { name: 'Account', exact: true }).waitFor()
  const signOut = (page) => page.getByRole('button', { name: 'Sign out' }).click()
  const panel = (page) => page.getByRole('region', { name: 'Signing in elsewhere' })

  test('a provider that is linked in the account signs in, and one that is not tells what to do', async () => {
    const ada = await made('ada')
    const { page, context, seen } = await visit({ expected: (text) => text.includes('googleapis') })
    await page.getByRole('button', { name: 'Continue with Acme' }).waitFor()
    await assertAccessible(page, 'the sign-in page with providers')
    await keep(page, 'sign-in-providers')
    await page.getByRole('button', { name: 'Continue with Acme' }).click()
    await atProvider(page, 'ada')
    await page.getByText('No account here is linked with who you are').waitFor()
    await assertAccessible(page, 'somebody whom nobody knows')
    await keep(page, 'sign-in-unknown')
    await byPassword(page, ada)
    await page.goto(`${base}/#/account`)
    await panel(page).getByText('No provider is linked').waitFor()
    await panel(page).getByLabel('Your password').fill(ada.password)
    await panel(page).getByRole('button', { name: 'Link Acme' }).click()
    // The provider knows who it is from before, and asks nothing again.
    await panel(page).getByText('The provider is linked.').waitFor()
    await panel(page).getByText('ada@example.com').waitFor()
    await assertAccessible(page, 'a linked provider')
    await panel(page).scrollIntoViewIfNeeded()
    await keep(page, 'account-provider')
    await signOut(page)
    await page.getByRole('button', { name: 'Continue with Acme' }).click()
    // Back where the person was.
    await accountPage(page)
    // The sign-in outlives a reload, and no part of it stands in an address.
    await page.reload()
    await accountPage(page)
    assert.equal(page.url(), `${base}/#/account`)
    await panel(page).getByLabel('Your password').fill(ada.password)
    await panel(page).getByRole('button', { name: 'Remove Acme' }).click()
    await panel(page).getByText('It signs you in no longer.').waitFor()
    assert.deepEqual(seen.errors, [])
    await context.close()
  })

  test('where the operator wants it an account is made for a verified address, and keeps its only way in', async () => {
    const { page, context } = await visit()
    await page.getByRole('button', { name: 'Continue with Corp' }).click()
    await atProvider(page, 'unverified-carl')
    await page.getByText('No account here is linked with who you are').waitFor()
    await context.close()
    const carl = await visit()
    await carl.page.getByRole('button', { name: 'Continue with Corp' }).click()
    await atProvider(carl.page, 'carl')
    await models(carl.page)
    await carl.page.goto(`${base}/#/account`)
    await panel(carl.page).getByRole('button', { name: 'Remove Corp' }).click()
    await panel(carl.page).getByText('Without this nothing would open your account any more.').waitFor()
    await assertAccessible(carl.page, 'the only way in')
    await keep(carl.page, 'account-last-way-in')
    await carl.context.close()
  })

  test('a second factor is asked for after the provider', async () => {
    const dora = await made('dora')
    const { page, context } = await visit()
    await byPassword(page, dora)
    await page.goto(`${base}/#/account`)
    await panel(page).getByLabel('Your password').fill(dora.password)
    await panel(page).getByRole('button', { name: 'Link Acme' }).click()
    await atProvider(page, 'dora')
    await panel(page).getByText('The provider is linked.').waitFor()
    const factor = page.getByRole('region', { name: 'Second factor' })
    await factor.getByLabel('Your password').fill(dora.password)
    await factor.getByRole('button', { name: 'Set up a second factor' }).click()
    const secret = await factor.getByRole('region', { name: 'authenticator key' }).innerText()
    await factor.getByLabel('Code that the program shows').fill(codeAt(secret, Date.now()))
    await factor.getByRole('button', { name: 'Turn it on' }).click()
    const [recovery] = (await page.getByRole('region', { name: 'recovery codes', exact: true }).innerText()).trim().split(/\s+/)
    await page.getByRole('button', { name: 'I have kept it' }).click()
    await signOut(page)
    await page.getByRole('button', { name: 'Continue with Acme' }).click()
    await page.getByLabel('Code').waitFor()
    await assertAccessible(page, 'a code after the provider')
    await keep(page, 'sign-in-provider-code')
    await page.getByLabel('Code').fill(recovery)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await accountPage(page)
    await context.close()
  })

  test('an answer that somebody else asked for signs nobody in', async () => {
    const mallory = await visit()
    const answer = mallory.page.waitForRequest((sent) => sent.url().startsWith(`${base}/oauth/providers/acme/callback`), { timeout: 0 })
    await mallory.page.getByRole('button', { name: 'Continue with Acme' }).click()
    await startAtProvider(mallory.page, 'mallory')
    // Without its cookie the browser does not use the answer up: it stays good for whoever has begun it.
    await mallory.context.clearCookies({ domain: 'localhost' })
    await agreeAtProvider(mallory.page)
    const link = (await answer).url()
    const victim = await visit()
    // Somebody who is signing in at the same moment, and follows the link.
    await victim.page.getByRole('button', { name: 'Continue with Acme' }).click()
    await victim.page.getByPlaceholder('Enter any login').waitFor()
    await victim.page.goto(link)
    await victim.page.getByText('This browser has no such sign-in under way').waitFor()
    await victim.page.reload()
    await victim.page.getByLabel('E-mail address').waitFor()
    for (const { context } of [mallory, victim]) await context.close()
  })

  /** An authenticator of the browser's own, which its owner unlocks or not. */
  const authenticator = async (page, context) => {
    const devices = await context.newCDPSession(page)
    await devices.send('WebAuthn.enable')
    const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true }
    const { authenticatorId } = await devices.send('WebAuthn.addVirtualAuthenticator', { options: { ...options, automaticPresenceSimulation: true } })
    return {
      unlocks: (isUserVerified) => devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
      keys: async () => (await devices.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    }
  }

  test('a passkey is made in the account, signs in without name, password or code, and is removed', async () => {
    const eve = await made('eve')
    const { page, context, seen } = await visit({ expected: (text) => text.includes('/oauth/token') })
    const device = await authenticator(page, context)
    await byPassword(page, eve)
    await page.goto(`${base}/#/account`)
    const passkeys = page.getByRole('region', { name: 'Passkeys' })
    await passkeys.getByText('No passkey yet').waitFor()
    await passkeys.getByLabel('Name of the new passkey').fill('Desk')
    await passkeys.getByLabel('Your password').fill(eve.password)
    await passkeys.getByRole('button', { name: 'Make a passkey' }).click()
    await passkeys.getByText('The passkey is made.').waitFor()
    await assertAccessible(page, 'a passkey')
    await passkeys.scrollIntoViewIfNeeded()
    await keep(page, 'account-passkey')
    const [key] = await device.keys()
    assert.equal(key.rpId, 'localhost')
    assert.ok(key.isResidentCredential)
    // The same device makes no second one for the same account.
    await passkeys.getByLabel('Name of the new passkey').fill('Desk again')
    await passkeys.getByLabel('Your password').fill(eve.password)
    await passkeys.getByRole('button', { name: 'Make a passkey' }).click()
    await passkeys.getByText('has a passkey of your account already').waitFor()
    await signOut(page)
    for (const [look, options] of LOOKS) {
      if (options.viewport) await page.setViewportSize(options.viewport)
      await page.emulateMedia({ colorScheme: options.colorScheme ?? 'light' })
      await page.getByRole('button', { name: 'Use a passkey' }).waitFor()
      await assertFits(page, `a passkey, ${look}`)
      await keep(page, `sign-in-passkey-${look}`)
    }
    await device.unlocks(false)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByText('No passkey was used.').waitFor()
    await device.unlocks(true)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await accountPage(page)
    await page.reload()
    await accountPage(page)
    await passkeys.getByText('last used just now').waitFor()
    await passkeys.getByLabel('Your password').fill(eve.password)
    await passkeys.getByRole('button', { name: 'Remove Desk' }).click()
    await passkeys.getByText('Desk signs you in no longer.').waitFor()
    await signOut(page)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByText('This passkey does not fit').waitFor()
    assert.deepEqual(seen.errors, [])
    await context.close()
  })

  test('the pages fit every window', async () => {
    for (const [look, options] of LOOKS) {
      const { page, context } = await visit(options)
      await page.getByRole('button', { name: 'Continue with Corp' }).waitFor()
      await assertFits(page, `the sign-in page, ${look}`)
      await assertAccessible(page, `the sign-in page, ${look}`)
      await keep(page, `sign-in-${look}`)
      await page.goto(`${base}/#/not-signed-in/provider-answer-invalid`)
      await page.getByText('does not prove who you are').waitFor()
      await assertFits(page, `a refusal, ${look}`)
      await assertAccessible(page, `a refusal, ${look}`)
      await keep(page, `sign-in-refused-${look}`)
      await context.close()
    }
  })
})
