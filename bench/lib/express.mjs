// The token service as Express and redis, each an own process; nothing of it is left after `stop`.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../../tests/e2e/lib/server.mjs'

const SERVER = path.join(path.dirname(fileURLToPath(import.meta.url)), '../express/server.mjs')

/** Redis that answers only what is on disk, as ours does, behind Express. */
export async function startExpress(key) {
  const folder = await mkdtemp(path.join(tmpdir(), 'vitrine-redis-'))
  const socket = path.join(folder, 'redis.sock')
  const settings = { port: '0', unixsocket: socket, dir: folder, appendonly: 'yes', appendfsync: 'always', save: '' }
  const redis = spawn('redis-server', Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]), { stdio: 'ignore' })
  let express
  const stop = async () => {
    express?.kill()
    redis.kill()
    if (redis.exitCode === null && redis.pid !== undefined) await once(redis, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
  redis.on('error', () => {})
  try {
    await until('redis listens (tools/setup bench installs it)', () => existsSync(socket))
    express = spawn(process.execPath, [SERVER, socket, key], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_ENV: 'production' },
    })
    const [line] = await once(express.stdout.setEncoding('utf8'), 'data')
    return { port: Number(line), pids: [express.pid, redis.pid], stop }
  } catch (error) {
    await stop()
    throw error
  }
}
