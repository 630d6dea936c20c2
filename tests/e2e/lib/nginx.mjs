// The system's nginx in the foreground, with a folder of its own for everything that it writes.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { until } from './server.mjs'

const LOG_BYTES_MAX = 64 * 1024

function executable() {
  if (process.env.VITRINE_NGINX) return process.env.VITRINE_NGINX
  // Debian keeps it where ordinary users do not look.
  for (const file of ['/usr/sbin/nginx', '/usr/local/sbin/nginx']) if (existsSync(file)) return file
  try {
    return execFileSync('sh', ['-c', 'command -v nginx'], { encoding: 'utf8' }).trim()
  } catch {
    throw new Error('no nginx found: tools/setup test installs it, or name one in VITRINE_NGINX')
  }
}

const answers = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })

/**
 * nginx with `http` as the content of its http block, until `stop` is called. `port` is one on which it listens.
 * @param {{http: (prefix: string) => string, port: number}} options
 */
export async function startNginx({ http, port }) {
  const prefix = await mkdtemp(path.join(tmpdir(), 'vitrine-nginx-'))
  // Its workers are another user when it was started by root.
  await chmod(prefix, 0o755)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const config = `
daemon off;
pid ${prefix}/nginx.pid;
error_log stderr warn;
worker_processes 1;
events { worker_connections 512; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${prefix}/${name};`).join('\n  ')}
  ${http(prefix)}
}
`
  await writeFile(path.join(prefix, 'nginx.conf'), config)
  const child = spawn(executable(), ['-p', prefix, '-e', 'stderr', '-c', path.join(prefix, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log = (log + text).slice(-LOG_BYTES_MAX)
  })
  let how
  const exited = once(child, 'exit').then(([code, signal]) => {
    how = signal ?? code
  })
  const stop = async () => {
    if (how === undefined) child.kill('SIGTERM')
    await exited
    await rm(prefix, { recursive: true, force: true })
  }
  try {
    await until('nginx listens', async () => {
      if (how !== undefined) return true
      return answers(port)
    })
    if (how !== undefined) throw new Error(`nginx ended at once (${how})\n${log}`)
  } catch (error) {
    await stop()
    throw error
  }
  return { prefix, pid: child.pid, log: () => log, stop }
}

/** An example of `deploy/nginx` with every text on the left replaced by the one on the right; each must be there. */
export function adapted(example, replacements) {
  let text = example
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`the example does not say ${from}`)
    text = text.replaceAll(from, to)
  }
  return text
}
