// The token service: /verify beside bare hyper that sends the same bytes, /generate beside single inserts into PostgreSQL, and both beside the same
// two routes on Express and redis.

import { startTwin } from '../lib/bare.mjs'
import { cpuNs, family } from '../lib/cpu.mjs'
import { startExpress } from '../lib/express.mjs'
import { load } from '../lib/load.mjs'
import { copying, startPostgres, startRows } from '../lib/postgres.mjs'
import { interleave, median, ratios } from '../lib/rounds.mjs'
import { startVitrine } from '../lib/vitrine.mjs'
import { expectStatus } from '../../tests/e2e/lib/http.mjs'
import { run } from '../../tests/e2e/lib/server.mjs'

const CONNECTIONS = 16
/** Durable requests and rows in flight on every side. */
const IN_FLIGHT = 64
/** /verify over bare hyper by CPU, and /generate over single inserts into PostgreSQL by time. */
const [TARGET_VERIFY, TARGET_GENERATE] = [2.5, 0.25]
const BODY = JSON.stringify({ file: 'plan.dwg', userId: '4711', access: 'edit', locale: 'de', autosave: 60, mobile: false, param: null })

export const name = 'partner'
export const about = 'the token service: /verify beside bare hyper, durable /generate beside PostgreSQL, both beside Express and redis'

const post = (key) =>
  `POST /generate HTTP/1.1\r\nHost: bench.example\r\nX-Api-Key: ${key}\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
const get = (token) => `GET /verify HTTP/1.1\r\nHost: bench.example\r\nX-Api-Token: ${token}\r\n\r\n`

const partnerKey = async ({ place }) => JSON.parse(await run(['partner', 'create', 'Acme', ...place])).key

async function token(port, key) {
  const headers = { 'x-api-key': key, 'content-type': 'application/json' }
  const { json } = await expectStatus(200, 'POST', `http://127.0.0.1:${port}/generate`, { headers, body: BODY })
  return json.token
}

/** The statement that inserts a token as our server writes it. */
async function insertOnPostgres(database) {
  const vitrine = await startVitrine({ database: database.url })
  try {
    await token(vitrine.port, (await partnerKey(vitrine)).secret)
  } finally {
    await vitrine.stop()
  }
  return copying(database, 'editor_token', ['hash', 'user_hash'])
}

/** @param {{yardstick: (name: string) => string, rounds: number, requests: number}} options */
export async function measure({ yardstick, rounds, requests }) {
  const started = []
  try {
    const vitrine = await startVitrine()
    started.push(vitrine)
    const key = (await partnerKey(vitrine)).secret
    const express = await startExpress(key)
    started.push(express)
    const postgres = await startPostgres()
    started.push(postgres)
    const sql = await insertOnPostgres(postgres.database)
    const many = startRows(yardstick('insert_rows'), ['inserts', postgres.database.url, String(IN_FLIGHT), sql, '32', '32'])
    const one = startRows(yardstick('insert_rows'), ['inserts', postgres.database.url, '1', sql, '32', '32'])
    started.push(many, one)
    const verify = get(await token(vitrine.port, key))
    const theirs = get(await token(express.port, key))
    const twin = await startTwin(yardstick, vitrine.port, verify)
    started.push(twin)

    const cpu = async (pids, work, count) => {
      const before = cpuNs(pids)
      await work()
      return Number(cpuNs(pids) - before) / count / 1000
    }
    const asking = (port, head, pids) => () =>
      cpu(pids, () => load({ port, head, status: 200, count: requests, connections: CONNECTIONS }), requests)
    const verified = await interleave(
      {
        ours: asking(vitrine.port, verify, [vitrine.pid]),
        hyper: asking(twin.port, verify, [twin.pid]),
        express: asking(express.port, theirs, express.pids),
      },
      rounds,
    )
    const noted = {}
    const making = (who, pids, work, count = requests) => async () => {
      let ms
      ;(noted[who] ??= []).push(await cpu(pids().flatMap(family), async () => (ms = await work(count)), count))
      return (ms * 1000) / count
    }
    const generating = (port) => (count) =>
      load({ port, head: post(key), status: 200, count, connections: IN_FLIGHT, varied: true })
    const generated = await interleave(
      {
        ours: making('ours', () => [vitrine.pid], generating(vitrine.port)),
        postgres: making('postgres', () => [postgres.pid], many.make),
        alone: making('alone', () => [postgres.pid], one.make, Math.max(100, Math.round(requests / 10))),
        express: making('express', () => express.pids, generating(express.port)),
      },
      rounds,
    )
    for (const all of Object.values(noted)) all.shift()
    return {
      unit: 'µs per token',
      cost: {
        'verify, CPU: ours': median(verified.ours),
        'verify, CPU: bare hyper': median(verified.hyper),
        'verify, CPU: Express and redis': median(verified.express),
        'generate, time: ours': median(generated.ours),
        [`generate, time: PostgreSQL, ${IN_FLIGHT} connections`]: median(generated.postgres),
        'generate, time: PostgreSQL, one connection': median(generated.alone),
        'generate, time: Express and redis': median(generated.express),
        'generate, CPU: ours': median(noted.ours),
        [`generate, CPU: PostgreSQL, ${IN_FLIGHT} connections`]: median(noted.postgres),
        'generate, CPU: Express and redis': median(noted.express),
      },
      ratios: {
        'verify, CPU over bare hyper': { ...ratios(verified, 'ours', 'hyper'), target: TARGET_VERIFY },
        'verify, CPU over Express and redis': ratios(verified, 'ours', 'express'),
        [`generate, time over PostgreSQL, ${IN_FLIGHT} connections`]: { ...ratios(generated, 'ours', 'postgres'), target: TARGET_GENERATE },
        'generate, time over PostgreSQL, one connection': { ...ratios(generated, 'ours', 'alone'), target: TARGET_GENERATE },
        'generate, time over Express and redis': ratios(generated, 'ours', 'express'),
        'generate, CPU over Express and redis': ratios(noted, 'ours', 'express'),
      },
    }
  } finally {
    for (const { stop } of started.reverse()) await stop()
  }
}
