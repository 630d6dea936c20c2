// One file through nginx with a question to /authorize, beside the same with a question to a server that answers 204 to
// everything: bare hyper, and nginx itself.

import { chmod, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { startNginx } from '../../tests/e2e/lib/nginx.mjs'
import { freePort, temporaryFolder } from '../../tests/e2e/lib/server.mjs'
import { startBare } from '../lib/bare.mjs'
import { cpuNs, family, pin } from '../lib/cpu.mjs'
import { load } from '../lib/load.mjs'
import { interleave, median, ratios } from '../lib/rounds.mjs'
import { openSession, startVitrine } from '../lib/vitrine.mjs'

const FILE_BYTES = 4096
const CONNECTIONS = 16
/** Proxy and auth servers share the first core, so that it does not matter where the system puts them; this process takes the second. */
const [SERVER_CORE, OWN_CORE] = [0, 1]

export const name = 'authorize'
export const about = 'CPU of a whole request through nginx: asking /authorize, beside asking a bare 204 server'
/** Ours over bare hyper. */
const TARGET = 1.3

/** nginx in front of the folder `root`, one server for each auth server. */
function config({ root, places }) {
  const servers = Object.entries(places).map(
    ([place, { port, upstream, question }]) => `
  upstream ${place} { server ${upstream}; keepalive ${CONNECTIONS}; }
  server {
    listen 127.0.0.1:${port};
    location / { auth_request /_ask; root ${root}; }
    location = /_ask {
      internal;
      proxy_pass http://${place}${question};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Original-URI $request_uri;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }`,
  )
  return `keepalive_requests 1000000; ${servers.join('')}`
}

/** @param {{yardstick: (name: string) => string, rounds: number, requests: number}} options */
export async function measure({ yardstick, rounds, requests }) {
  const root = await temporaryFolder('bench-files')
  const started = []
  try {
    await chmod(root, 0o755)
    await writeFile(path.join(root, 'file.bin'), Buffer.alloc(FILE_BYTES, 'v'))
    const vitrine = await startVitrine()
    started.push(vitrine.stop)
    const { sessionId } = await openSession(vitrine)
    const bare = await startBare(yardstick('answer_204'))
    started.push(bare.stop)
    const still = await freePort()
    const question = `/authorize?model=${vitrine.model}&permission=cache.output.get.*`
    const places = {
      vitrine: { port: await freePort(), upstream: vitrine.address, question },
      hyper: { port: await freePort(), upstream: bare.address, question },
      nginx: { port: await freePort(), upstream: `127.0.0.1:${still}`, question },
    }
    const nginx = await startNginx({ port: places.vitrine.port, http: () => config({ root, places }) })
    started.push(() => nginx.stop())
    // The other auth server: an nginx of its own, so that its cost is seen apart.
    const silent = await startNginx({
      port: still,
      http: () => `keepalive_requests 1000000; server { listen 127.0.0.1:${still}; return 204; }`,
    })
    started.push(() => silent.stop())
    const behind = { vitrine: vitrine.pid, hyper: bare.pid, nginx: silent.pid }
    for (const pid of [nginx.pid, ...Object.values(behind)].flatMap(family)) pin.process(SERVER_CORE, pid)
    pin.process(OWN_CORE, process.pid)
    const contender = (place) => async () => {
      const pids = [nginx.pid, behind[place]].flatMap(family)
      const { port } = places[place]
      const head = `GET /file.bin HTTP/1.1\r\nHost: files.example\r\nX-Vitrine-Session: ${sessionId}\r\n\r\n`
      const before = cpuNs(pids)
      await load({ port, head, status: 200, count: requests, connections: CONNECTIONS })
      return Number(cpuNs(pids) - before) / requests / 1000
    }
    const costs = await interleave(Object.fromEntries(Object.keys(places).map((place) => [place, contender(place)])), rounds)
    const us = Object.fromEntries(Object.entries(costs).map(([place, all]) => [place, median(all)]))
    return {
      unit: 'CPU µs per request, nginx and auth server together',
      cost: { ours: us.vitrine, 'bare hyper': us.hyper, 'nginx return 204': us.nginx },
      ratios: {
        'over bare hyper': { ...ratios(costs, 'vitrine', 'hyper'), target: TARGET },
        'over nginx return 204': ratios(costs, 'vitrine', 'nginx'),
      },
    }
  } finally {
    for (const stop of started.reverse()) await stop()
    await rm(root, { recursive: true, force: true })
  }
}
