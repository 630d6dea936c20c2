// A real S3 server on a free port of loopback (moto, from the Python environment of the tests), and plain HTTP to look into it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
export const PYTHON = process.env.VITRINE_PYTHON ?? path.join(here, '../../../.venv/bin/python')
const SCRIPTS = path.join(here, '../python')

/** The server looks at who somebody says to be, and checks no signature. */
const SIGNED = { authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0' }

/** Where a script of the tests lies. */
export const script = (name) => path.join(SCRIPTS, name)

/**
 * Starts the server with these buckets, each with versioning.
 * @returns {Promise<S3>}
 */
export async function startS3(...buckets) {
  const child = spawn(PYTHON, [script('s3_server.py'), ...buckets], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-20_000)))
  const ended = once(child, 'close')
  const endpoint = await new Promise((resolve, reject) => {
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text
      if (out.includes('\n')) resolve(JSON.parse(out).endpoint)
    })
    ended.then(([code]) => reject(new Error(`the S3 server ended (${code})\n${log}`)))
  })
  return new S3(child, ended, endpoint)
}

class S3 {
  constructor(child, ended, endpoint) {
    Object.assign(this, { child, ended, endpoint })
  }

  /** What a server of ours needs to know. */
  get env() {
    return {
      AWS_ENDPOINT: this.endpoint,
      AWS_ALLOW_HTTP: 'true',
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    }
  }

  async put(bucket, name, content) {
    const answer = await fetch(`${this.endpoint}/${bucket}/${name}`, { method: 'PUT', body: content, headers: SIGNED })
    if (!answer.ok) throw new Error(`PUT ${bucket}/${name}: ${answer.status} ${await answer.text()}`)
  }

  async get(bucket, name) {
    const answer = await fetch(`${this.endpoint}/${bucket}/${name}`, { headers: SIGNED })
    if (answer.status === 404) return null
    if (!answer.ok) throw new Error(`GET ${bucket}/${name}: ${answer.status} ${await answer.text()}`)
    return Buffer.from(await answer.arrayBuffer())
  }

  /** Where the bucket keeps old objects this leaves a marker in the object's place. */
  async remove(bucket, name) {
    const answer = await fetch(`${this.endpoint}/${bucket}/${name}`, { method: 'DELETE', headers: SIGNED })
    if (!answer.ok) throw new Error(`DELETE ${bucket}/${name}: ${answer.status} ${await answer.text()}`)
  }

  /** Names of the objects that begin so. */
  async names(bucket, prefix = '') {
    const answer = await fetch(`${this.endpoint}/${bucket}?list-type=2&prefix=${encodeURIComponent(prefix)}`, { headers: SIGNED })
    if (!answer.ok) throw new Error(`the list of ${bucket}: ${answer.status} ${await answer.text()}`)
    return [...(await answer.text()).matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name]) => name).sort()
  }

  /** How many versions an object has: 1 unless it was ever written again. */
  async writes(bucket, name) {
    const answer = await fetch(`${this.endpoint}/${bucket}?versions&prefix=${encodeURIComponent(name)}`, { headers: SIGNED })
    if (!answer.ok) throw new Error(`the versions of ${bucket}: ${answer.status} ${await answer.text()}`)
    return [...(await answer.text()).matchAll(/<Version>.*?<Key>([^<]*)<\/Key>.*?<\/Version>/gs)].filter(([, key]) => key === name).length
  }

  async stop() {
    this.child.stdin.end()
    await this.ended
  }
}
