// Strong authorization on the shop page: the shop's own back end gives short tokens, the page only passes them on.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { canvasPicture, keep, launch, modelVisible, openPage, showsSomething } from './lib/chromium.mjs'
import { expectStatus, request } from './lib/http.mjs'
import { run, startDemo, until } from './lib/server.mjs'

/** A token counts for this long after its end, because clocks differ; then some seconds for a busy machine. */
const EXPIRY_MS_MAX = 150_000

const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString('utf8'))

describe('a strongly protected model', () => {
  let browser
  before(async () => {
    browser = await launch()
  })
  after(() => browser?.close())

  /** The lamp in the shop, with the tokens that the shop's back end gave. */
  async function openLamp(demo) {
    const visited = await openPage(browser, { expected: (text) => text.includes('401') || text.includes('410') })
    const tokens = []
    visited.page.on('response', async (response) => {
      if (new URL(response.url()).pathname.startsWith('/token/')) tokens.push(await response.text())
    })
    await visited.page.goto(`${demo.info.shop_url}/#lamp`, { waitUntil: 'load' })
    await modelVisible(visited.page)
    return { ...visited, tokens, slider: visited.page.locator('vitrine-viewer input[type=range]').first() }
  }

  describe('whose tokens run out', () => {
    let demo
    before(async () => {
      demo = await startDemo({ args: ['--strong', '--token-ttl', '1'] })
    })
    after(() => demo?.stop())

    test('is not shown for its ticket alone, and strangers get no token', async () => {
      const lamp = demo.info.models.find(({ slug }) => slug === 'lamp')
      const opened = await request('POST', `${demo.info.base_url}/api/v2/ticket/${lamp.embedding_ticket}`, {
        headers: { origin: new URL(demo.info.shop_url).origin },
        json: {},
      })
      assert.equal(opened.json.error, 'SdTokenMissingError')
      assert.equal((await request('POST', `${demo.info.stranger_url}/token/${lamp.id}`)).status, 403)
    })

    test('has a shop whose back end gives tokens for its own models and for nothing else', async () => {
      const { base_url, backend_jwt, models, shop_url } = demo.info
      const token = (id) => request('POST', new URL(`/token/${id}`, shop_url).href)
      for (const { id } of models) assert.equal((await token(id)).status, 200)
      // Another owner's model on the same server, and one of the same owner that the shop does not show.
      const made = async (json) => (await expectStatus(200, 'POST', `${base_url}/api/v2/model`, { token: backend_jwt, json })).json.model.id
      const others = [await made({ name: 'not in the shop' }), await made({ name: 'hers', user_id: '77777777-7777-4777-8777-777777777777' })]
      for (const id of [...others, '00000000-0000-4000-8000-000000000000', 'lamp', '..%2ftoken']) {
        const refused = await token(id)
        assert.equal(refused.status, 403, id)
        assert.ok(!refused.body.toString().includes('eyJ'), id)
      }
    })

    test('stays on the screen while the slider moves and the token is replaced', async () => {
      const { page, seen, tokens, slider, context } = await openLamp(demo)
      assert.equal(tokens.length, 1)
      const notice = page.locator('vitrine-viewer [role=alert]:visible')
      const before_count = seen.computed
      await slider.focus()
      let steps = 0
      await until(
        'the token has expired and the page has a fresh one',
        async () => {
          await page.keyboard.press(steps % 40 < 20 ? 'ArrowRight' : 'ArrowLeft')
          steps += 1
          assert.ok(showsSomething(await canvasPicture(page)), `the canvas was blank at step ${steps}`)
          assert.equal(await notice.count(), 0, 'the page complained')
          return tokens.length > 1
        },
        { ms_max: EXPIRY_MS_MAX, every_ms: 250 },
      )
      await page.keyboard.press('End')
      const wanted = await slider.inputValue()
      await until('the last value of the slider is computed', () =>
        page.locator('vitrine-viewer').evaluate(
          (viewer, value) => Object.values(viewer.session.values).some((known) => Number(known) === Number(value)),
          wanted,
        ),
      )
      await modelVisible(page)
      await keep(page, 'strong-refreshed')
      assert.ok(seen.computed > before_count)
      assert.equal(tokens.length, 2, 'one fresh token for all calls')
      assert.equal(seen.sessions.length, 1, 'the session went on')
      assert.notEqual(claims(tokens[0]).jti, claims(tokens[1]).jti)
      assert.deepEqual(seen.errors, [])
      await context.close()
    })
  })

  describe('whose token is revoked', () => {
    let demo
    before(async () => {
      demo = await startDemo({ args: ['--strong'] })
    })
    after(() => demo?.stop())

    test('is taken away at the next action, in words, and the page offers to try again', async () => {
      const { page, tokens, slider, context } = await openLamp(demo)
      await run(['jwt', 'revoke', claims(tokens[0]).jti, '--data', demo.data])
      await slider.focus()
      await page.keyboard.press('End')
      const words = page.locator('vitrine-viewer [role=alert]').filter({ hasText: /token.*was revoked/ })
      await words.waitFor({ state: 'visible', timeout: 60_000 })
      await keep(page, 'strong-revoked')
      await page.setViewportSize({ width: 360, height: 740 })
      await keep(page, 'strong-revoked-narrow')
      assert.ok(await words.getByRole('button', { name: 'Try again' }).isVisible())
      await context.close()
    })
  })
})
