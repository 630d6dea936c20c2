// A server with one partner of the drawing editor, whose bucket is a folder or lies on an S3 server, spoken to as partners do.

import http from 'node:http'
import { readFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expectStatus, request } from './http.mjs'
import { freePort, run, Running, temporaryFolder, until } from './server.mjs'

const START_MS_MAX = 120_000
/** A connection for each request: while a test is busy making files, the server may end those that wait. */
export const ONCE = new http.Agent({ keepAlive: false })

/** A bucket that is a folder of this machine. */
export class Folder {
  constructor(root) {
    this.root = root
    this.url = `file://${root}`
    this.env = {}
  }

  async put(name, content) {
    const file = path.join(this.root, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, content)
  }

  get(name) {
    return readFile(path.join(this.root, name)).catch(() => null)
  }

  async names(prefix) {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map((entry) => path.relative(this.root, path.join(entry.parentPath ?? entry.path, entry.name)))
    return files.filter((name) => name.startsWith(prefix)).sort()
  }
}

/** A bucket on an S3 server. */
export class S3Bucket {
  constructor(s3, bucket, prefix) {
    Object.assign(this, { s3, bucket, prefix, url: `s3://${bucket}/${prefix}`, env: s3.env })
  }

  put(name, content) {
    return this.s3.put(this.bucket, `${this.prefix}/${name}`, content)
  }

  get(name) {
    return this.s3.get(this.bucket, `${this.prefix}/${name}`)
  }

  async names(prefix) {
    const names = await this.s3.names(this.bucket, `${this.prefix}/${prefix}`)
    return names.map((name) => name.slice(this.prefix.length + 1))
  }
}

/**
 * Starts a server with a partner. `makeBucket` gets a folder of its own; `config` is the text of a file of settings, `settings`
 * are further arguments of `vitrine partner create`.
 * @param {{ makeBucket?: (folder: string) => any, objects?: string, env?: object, config?: string, settings?: string[] }} options
 */
export async function startPartner({ makeBucket = (folder) => new Folder(folder), objects, env = {}, config = '', settings = [] } = {}) {
  const home = await temporaryFolder('partner')
  const folder = path.join(home, 'bucket')
  await mkdir(folder)
  const bucket = makeBucket(folder)
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const content = `http://localhost:${port}`
  const environment = { ...bucket.env, ...env }
  const file = path.join(home, 'vitrine.toml')
  await writeFile(file, config)
  const where = ['--config', file, '--data', path.join(home, 'data'), ...(objects ? ['--objects', objects] : [])]
  const cli = (...args) => run([...args, ...where], environment)
  const arguments_ = ['--app-id', 'acme', '--origin', 'https://acme.example.com', '--content', bucket.url, ...settings]
  const made = JSON.parse(await cli('partner', 'create', 'Acme CAD', ...arguments_))
  const key = made.key.secret
  const running = new Running(['serve', ...where, '--listen', `127.0.0.1:${port}`, '--public-url', base, '--content-url', content], environment)
  try {
    await until(
      'the server is ready',
      async () => {
        if (running.how) throw new Error(`it ended at once\n${running.tail()}`)
        return (await request('GET', `${base}/readyz`)).status === 200
      },
      { ms_max: START_MS_MAX },
    )
  } catch (error) {
    await running.kill()
    await rm(home, { recursive: true, force: true })
    throw error
  }
  return new Partner({ home, bucket, base, content, key, running, cli })
}

class Partner {
  constructor(parts) {
    Object.assign(this, parts)
  }

  /** A token, as the partner's back end asks for it. */
  async token(parameters) {
    const { json } = await expectStatus(200, 'POST', `${this.base}/generate`, { headers: { 'x-api-key': this.key }, json: parameters, agent: ONCE })
    return json.token
  }

  /** An editor session: what its page would be told. */
  open(apitoken, options) {
    return request('POST', `${this.content}/editor/session`, { json: { apitoken }, agent: ONCE, ...options })
  }

  drawing(session) {
    return request('GET', `${this.content}/editor/drawing`, { token: session, agent: ONCE })
  }

  save(session, etag, body) {
    return request('PUT', `${this.content}/editor/drawing`, { token: session, headers: { 'if-match': etag }, body, agent: ONCE })
  }

  close(session) {
    return request('DELETE', `${this.content}/editor/session`, { token: session, agent: ONCE })
  }

  async stop() {
    await this.running.stop()
    await rm(this.home, { recursive: true, force: true })
  }
}
