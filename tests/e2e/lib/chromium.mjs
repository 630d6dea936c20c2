// The system's Chromium, quiet and with software WebGL, so that it draws the same on a machine without a graphics card.

import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { colours, readPng } from './formats.mjs'
import { until } from './server.mjs'

/** An empty canvas has one or two colours; a shaded model has dozens. */
const COLOURS_MIN = 12

function executable() {
  if (process.env.VITRINE_CHROMIUM) return process.env.VITRINE_CHROMIUM
  for (const name of ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']) {
    try {
      return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
    } catch {
      // the next one
    }
  }
  throw new Error('no Chromium found: tools/setup test installs it, or name one in VITRINE_CHROMIUM')
}

export function launch() {
  return chromium.launch({
    executablePath: executable(),
    headless: true,
    // Its own sandbox refuses to start as root; everybody else keeps it.
    chromiumSandbox: process.getuid() !== 0,
    args: [
      '--use-gl=angle',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--ignore-gpu-blocklist',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/**
 * A fresh page that remembers what a person would not see: errors on the console, requests, and the session protocol.
 * `expected` filters console errors that a test provokes on purpose.
 */
export async function openPage(browser, { expected = () => false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 720 }, reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  const seen = { errors: [], hosts: new Set(), sessions: [], versions: [], computed: 0 }
  page.on('console', (message) => {
    const error = `${message.text()} (${message.location().url})`
    if (message.type() === 'error' && !expected(error)) seen.errors.push(error)
  })
  page.on('pageerror', (error) => seen.errors.push(String(error)))
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url())
    if (protocol.startsWith('http') || protocol.startsWith('ws')) seen.hosts.add(host)
  })
  page.on('response', async (response) => {
    const { pathname } = new URL(response.url())
    const opened = /^\/api\/v2\/ticket\/[^/]+$|^\/api\/v2\/model\/[^/]+\/session$/.test(pathname)
    const computed = /^\/api\/v2\/session\/[^/]+\/output(\/cache)?$/.test(pathname)
    if (response.request().method() === 'OPTIONS' || !(opened || computed) || !response.ok()) return
    // A page that goes away takes the bodies of its answers along.
    const body = await response.json().catch(() => undefined)
    if (!body) return
    if (opened) seen.sessions.push(body.sessionId)
    if (computed) seen.computed += 1
    for (const output of Object.values(body.outputs ?? {})) {
      if (output.content?.some((item) => item.format === 'glb')) seen.versions.push(output.version)
    }
  })
  return { page, seen, context }
}

/** A picture of what the canvas shows. */
export async function canvasPicture(page, root = page) {
  return readPng(await root.locator('canvas').first().screenshot())
}

export const showsSomething = (picture) => colours(picture) >= COLOURS_MIN

/** Waits until the canvas shows more than an empty stage, and returns that picture once it has come to rest. */
export async function modelVisible(page, root = page) {
  return until(
    'the canvas shows a model',
    async () => {
      const picture = await canvasPicture(page, root)
      if (!showsSomething(picture)) return false
      const next = await canvasPicture(page, root)
      return picture.pixels.equals(next.pixels) && next
    },
    { ms_max: 120_000, every_ms: 150 },
  )
}

/** Keeps a screenshot for people, if the environment says where. */
export async function keep(page, name) {
  const folder = process.env.VITRINE_SCREENSHOTS
  if (!folder) return
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, `${name}.png`), await page.screenshot({ timeout: 120_000 }))
}
