// Starts the binary under test as a child process and ends it again. Nothing here knows more than the command line says.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { once } from 'node:events'

const HERE = path.dirname(fileURLToPath(import.meta.url))

/** The binary under test; the release build is chosen by the environment. */
export const BINARY = path.resolve(process.env.VITRINE_BIN ?? path.join(HERE, '../../../target/debug/vitrine'))

/** A cold start computes thumbnails and definitions of three models in an unoptimised build on a busy machine. */
const START_MS_MAX = 180_000
/** Running requests may finish, then the process has to go. */
const STOP_MS_MAX = 30_000
/** Enough of the log to see why something failed. */
const LOG_BYTES_MAX = 4 * 1024 * 1024

/** Resolves with the first truthy answer of `probe`, asked again and again; fails with `what` after `ms_max`. */
export async function until(what, probe, { ms_max = 30_000, every_ms = 50 } = {}) {
  const end = Date.now() + ms_max
  let last
  for (;;) {
    try {
      const answer = await probe()
      if (answer) return answer
      last = undefined
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`waited ${ms_max} ms in vain: ${what}`, { cause: last })
    await new Promise((resolve) => setTimeout(resolve, every_ms))
  }
}

/** Settings of the tests themselves must not be read as settings of the server. */
const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITRINE_')))

/** All clients of a test have one address, and limits per address would hold for them together. What limits do is tested in Rust. */
const UNLIMITED = { VITRINE_RATE_ADDRESS_PER_MIN: '0', VITRINE_RATE_FAILURES_PER_MIN: '0' }

/** A child process whose output is kept; its log goes to the file descriptor `stderr` instead, where there is one. */
export class Running {
  constructor(args, env = {}, { stderr = 'pipe' } = {}) {
    this.args = args
    this.out = ''
    this.log = ''
    this.child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', stderr], env: { ...inherited, ...UNLIMITED, ...env } })
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      this.out = (this.out + text).slice(-LOG_BYTES_MAX)
      this.onOutput?.()
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.log = (this.log + text).slice(-LOG_BYTES_MAX)
    })
    // 'close', not 'exit': what it printed last may be read only after its end.
    this.exited = once(this.child, 'close').then(([code, signal]) => ({ code, signal }))
    this.exited.then((how) => {
      this.how = how
      this.onOutput?.()
    })
    this.failed = once(this.child, 'error').then(([error]) => {
      this.how = { code: null, signal: null, error }
      this.onOutput?.()
    })
  }

  get pid() {
    return this.child.pid
  }

  /** The text to show when something went wrong. */
  tail() {
    return `vitrine ${this.args.join(' ')}\n${this.log.slice(-6000)}`
  }

  /** Waits until standard output holds one whole JSON object. */
  async json() {
    let timer
    const parsed = new Promise((resolve, reject) => {
      const look = () => {
        try {
          resolve(JSON.parse(this.out))
        } catch {
          if (this.how) reject(new Error(`ended before it was ready (${describe(this.how)})\n${this.tail()}`))
        }
      }
      this.onOutput = look
      timer = setTimeout(() => reject(new Error(`printed no JSON within ${START_MS_MAX} ms\n${this.tail()}`)), START_MS_MAX)
      look()
    })
    try {
      return await parsed
    } finally {
      clearTimeout(timer)
      this.onOutput = undefined
    }
  }

  /** Ends it as an operator would, and insists on a clean end. */
  async stop() {
    if (this.how) throw new Error(`it was gone already (${describe(this.how)})\n${this.tail()}`)
    this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS_MAX)
    const how = await this.exited
    clearTimeout(timer)
    if (how.code !== 0) throw new Error(`SIGTERM did not end it with 0 but ${describe(how)}\n${this.tail()}`)
  }

  /** Ends it as a power cut would. */
  async kill() {
    if (this.how) return
    this.child.kill('SIGKILL')
    await this.exited
  }
}

function describe({ code, signal, error }) {
  if (error) return `could not be started: ${error.message}`
  return signal ? `signal ${signal}` : `exit code ${code}`
}

/** Runs the binary to its end and returns its standard output. */
export async function run(args, env = {}) {
  const running = new Running(args, env)
  const how = await Promise.race([running.exited, running.failed.then(() => running.how)])
  if (how.code !== 0) throw new Error(`vitrine ${args.join(' ')}: ${describe(how)}\n${running.log.slice(-3000)}${running.out.slice(-3000)}`)
  return running.out.trim()
}

export async function temporaryFolder(name) {
  await stat(BINARY).catch(() => {
    throw new Error(`${BINARY} is missing: build it first (cargo build -p vitrine)`)
  })
  return mkdtemp(path.join(tmpdir(), `vitrine-${name}-`))
}

/** A port that was free a moment ago. Only for servers that have to come back under the same address. */
export async function freePort() {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/**
 * `vitrine demo` on free ports and a fresh data directory.
 * @returns {Promise<{info: any, running: Running, data: string, stop: () => Promise<void>}>}
 */
export async function startDemo({ env = {}, args = [] } = {}) {
  const data = await temporaryFolder('demo')
  const running = new Running(
    ['demo', '--json', '--listen', '127.0.0.1:0', '--shop-listen', '127.0.0.1:0', '--data', data, ...args],
    env,
  )
  try {
    const info = await running.json()
    return {
      info,
      running,
      data,
      async stop() {
        await running.stop()
        await rm(data, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await running.kill()
    await rm(data, { recursive: true, force: true })
    throw error
  }
}
