// A large asset: a GLB of at least 5 MiB by its sealed link, beside nginx that sends the same file from a folder.

import { chmod, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { request } from '../../tests/e2e/lib/http.mjs'
import { glbOf } from '../../tests/e2e/lib/journey.mjs'
import { startNginx } from '../../tests/e2e/lib/nginx.mjs'
import { freePort, temporaryFolder } from '../../tests/e2e/lib/server.mjs'
import { cpuNs, family } from '../lib/cpu.mjs'
import { load } from '../lib/load.mjs'
import { interleave, median, ratios } from '../lib/rounds.mjs'
import { openSession, startVitrine } from '../lib/vitrine.mjs'

const BYTES_MIN = 5 << 20
const CONNECTIONS = 4
const TARGET = 1.2
/** Requests of the other lines for one of this: each moves as much as a thousand of theirs. */
const SHARE = 20
/** A ball of so many segments has a GLB of a little more than 5 MiB. */
const SOURCE = `const { sphere } = require('@jscad/modeling').primitives
const main = () => sphere({ radius: 10, segments: 470 })
module.exports = { main }
`

export const name = 'asset'
export const about = 'an asset of 5 MiB by its sealed link, beside nginx with the same file'

/** @param {{rounds: number, requests: number}} options */
export async function measure({ rounds, requests }) {
  const root = await temporaryFolder('bench-files')
  const started = []
  try {
    const vitrine = await startVitrine({ source: SOURCE })
    started.push(vitrine)
    const session = await openSession(vitrine)
    const { href } = glbOf(Object.values(session.outputs)[0])
    const { body } = await request('GET', href)
    if (body.length < BYTES_MIN) throw new Error(`the asset has only ${body.length} bytes`)
    await chmod(root, 0o755)
    await writeFile(path.join(root, 'asset.glb'), body)
    const port = await freePort()
    const nginx = await startNginx({
      port,
      http: () => `sendfile on; tcp_nopush on; keepalive_requests 1000000; server { listen 127.0.0.1:${port}; root ${root}; }`,
    })
    started.push(nginx)
    const head = (where) => `GET ${where} HTTP/1.1\r\nHost: bench.example\r\n\r\n`
    const count = Math.max(CONNECTIONS, Math.round(requests / SHARE))
    const contender = (pids, server) => async () => {
      const all = pids.flatMap(family)
      const before = cpuNs(all)
      await load({ ...server, count, connections: CONNECTIONS })
      return Number(cpuNs(all) - before) / count / 1000
    }
    const costs = await interleave(
      {
        ours: contender([vitrine.pid], { port: vitrine.port, head: head(new URL(href).pathname), status: 206 }),
        nginx: contender([nginx.pid], { port, head: head('/asset.glb'), status: 200 }),
      },
      rounds,
    )
    return {
      unit: `CPU µs per ${(body.length / (1 << 20)).toFixed(1)} MiB`,
      cost: { ours: median(costs.ours), nginx: median(costs.nginx) },
      ratios: { 'over nginx': { ...ratios(costs, 'ours', 'nginx'), target: TARGET } },
    }
  } finally {
    for (const { stop } of started.reverse()) await stop()
    await rm(root, { recursive: true, force: true })
  }
}
