// What a live session costs in memory: the server's own, before and after so many more were opened by a page.
//
// VITRINE_BENCH_SESSIONS  how many, growing (1000,100000); a million takes some minutes and a few GiB of disk

import { readFileSync } from 'node:fs'
import { load } from '../lib/load.mjs'
import { PAGE, startVitrine } from '../lib/vitrine.mjs'

const CONNECTIONS = 64
/** Opened before anything is measured: pools, buffers and caches have their size by then. */
const WARM = 5_000
const TARGET_BYTES = 400
const SIZES = (process.env.VITRINE_BENCH_SESSIONS ?? '1000,100000').split(',').map(Number)

export const name = 'memory'
export const about = 'memory of the server for each live session'

/** Anonymous memory, bytes: what is mapped from files is the system's to take back. */
function memory(pid) {
  const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(kib) * 1024
}

export async function measure() {
  const vitrine = await startVitrine()
  try {
    const head = `POST /api/v2/ticket/${vitrine.ticket} HTTP/1.1\r\nHost: bench.example\r\nOrigin: ${PAGE}\r\nContent-Length: 0\r\n\r\n`
    const open = (count) => load({ port: vitrine.port, head, status: 201, count, connections: CONNECTIONS, varied: true })
    await open(WARM)
    const before = memory(vitrine.pid)
    const cost = { [`the server with ${WARM} sessions, MiB`]: before / (1 << 20) }
    const ratios = {}
    let opened = 0
    for (const size of SIZES) {
      await open(size - opened)
      opened = size
      const bytes = (memory(vitrine.pid) - before) / size
      cost[`${size} more sessions, bytes each`] = bytes
      ratios[`${size} sessions over ${TARGET_BYTES} bytes`] = { median: bytes / TARGET_BYTES, least: bytes / TARGET_BYTES, most: bytes / TARGET_BYTES, target: 1 }
    }
    return { unit: '', cost, ratios }
  } finally {
    await vitrine.stop()
  }
}
