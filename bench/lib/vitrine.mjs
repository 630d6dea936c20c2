// The server that is measured: a data folder of its own, one confirmed model, one ticket.

import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import { expectStatus, request } from '../../tests/e2e/lib/http.mjs'
import { createTicket, uploadModel } from '../../tests/e2e/lib/journey.mjs'
import { freePort, run, Running, temporaryFolder, until } from '../../tests/e2e/lib/server.mjs'

/** The page that may open sessions. */
export const PAGE = 'https://shop.example'
/** Nobody is refused for asking too often; it is counted all the same. */
const CALLS_PER_MIN = '1000000000'
const COUNTED = {
  VITRINE_RATE_ADDRESS_PER_MIN: CALLS_PER_MIN,
  VITRINE_RATE_FAILURES_PER_MIN: CALLS_PER_MIN,
  VITRINE_RATE_TICKET_PER_MIN: CALLS_PER_MIN,
  VITRINE_RATE_KEY_PER_MIN: CALLS_PER_MIN,
}

/**
 * Starts the server.
 *
 * `log`: 'pipe' has it read by this process, as a supervisor would; 'file' is the cheapest log there is, for lines that compare the server
 * with itself, where a dear log would hide what else differs. `database`: a URL; a SQLite file of its own without it.
 * @param {{source?: string, database?: string, log?: 'pipe' | 'file'}} options
 */
export async function startVitrine({ source, database, log = 'pipe' } = {}) {
  const data = await temporaryFolder('bench')
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  // Where it is, for commands beside it.
  const place = ['--data', data, ...(database ? ['--database', database] : [])]
  // The proxy's word counts, for /authorize.
  const settings = { VITRINE_TRUSTED_PROXIES: '["127.0.0.1"]', ...COUNTED }
  const file = log === 'file' ? await open(path.join(data, 'log'), 'w') : undefined
  const running = new Running(['serve', ...place, '--listen', `127.0.0.1:${port}`, '--public-url', base], settings, {
    stderr: file?.fd ?? 'pipe',
  })
  const stop = async () => {
    if (!running.how) await running.stop()
    await rm(data, { recursive: true, force: true })
  }
  try {
    await file?.close()
    await until('the server answers', async () => (await request('GET', `${base}/healthz`)).status === 200, { ms_max: 60_000 })
    const mint = ['jwt', 'mint', '--subject', 'backend', '--scope', '*', '--ttl', '14400', ...place]
    const token = (await run(mint)).split('\n').at(-1).trim()
    const model = await uploadModel(base, token, { name: 'bench', source, settings: { accessdomains: ['shop.example'] } })
    const ticket = await createTicket(base, token, model)
    return { running, pid: running.pid, data, place, port, base, address: `127.0.0.1:${port}`, token, model, ticket, stop }
  } catch (error) {
    await running.kill()
    await rm(data, { recursive: true, force: true })
    throw error
  }
}

/** Opens a session as the page does; the whole answer. */
export async function openSession({ base, ticket }) {
  const opened = await expectStatus(201, 'POST', `${base}/api/v2/ticket/${ticket}`, { headers: { origin: PAGE } })
  return opened.json
}
