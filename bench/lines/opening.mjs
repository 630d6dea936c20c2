// A session is opened by a ticket: answered when its rows (the session and what it is charged) are durable. Beside it the same rows through the
// group commit alone, and through single inserts into PostgreSQL with our own schema.

import path from 'node:path'
import { cpuNs, family } from '../lib/cpu.mjs'
import { load } from '../lib/load.mjs'
import { copying, startPostgres, startRows } from '../lib/postgres.mjs'
import { interleave, median, ratios } from '../lib/rounds.mjs'
import { openSession, PAGE, startVitrine } from '../lib/vitrine.mjs'

/** Requests and rows in flight on every side. */
const IN_FLIGHT = 64
/** Over single inserts into PostgreSQL. */
const TARGET = 0.5

export const name = 'opening'
export const about = `CreateSessionByTicket with its durable rows, ${IN_FLIGHT} in flight, beside group commit alone and PostgreSQL single inserts`

/** Rows as the server writes them, made once on PostgreSQL by the server itself. */
async function rowsOnPostgres(database) {
  const vitrine = await startVitrine({ database })
  try {
    await openSession(vitrine)
  } finally {
    await vitrine.stop()
  }
}

/** @param {{yardstick: (name: string) => string, rounds: number, requests: number}} options */
export async function measure({ yardstick, rounds, requests }) {
  const started = []
  try {
    const postgres = await startPostgres()
    started.push(postgres)
    await rowsOnPostgres(postgres.database.url)
    const session = await copying(postgres.database, 'session', ['hash', 'alias'])
    const usage = await copying(postgres.database, 'usage_event', ['id'], 3)
    const sql = `WITH opened AS (${session}) ${usage}`
    const sizes = ['32', '16', '16']
    const many = startRows(yardstick('insert_rows'), ['inserts', postgres.database.url, String(IN_FLIGHT), sql, ...sizes])
    const one = startRows(yardstick('insert_rows'), ['inserts', postgres.database.url, '1', sql, ...sizes])
    started.push(many, one)
    const vitrine = await startVitrine()
    started.push(vitrine)
    const file = `sqlite://${path.join(vitrine.data, 'rows.db')}`
    const grouped = startRows(yardstick('insert_rows'), ['appends', file, String(IN_FLIGHT)])
    started.push(grouped)
    const head = `POST /api/v2/ticket/${vitrine.ticket} HTTP/1.1\r\nHost: bench.example\r\nOrigin: ${PAGE}\r\nContent-Length: 0\r\n\r\n`
    const ours = () => load({ port: vitrine.port, head, status: 201, count: requests, connections: IN_FLIGHT, varied: true })
    const cpu = {}
    /** Time is what is compared: waiting for the disk is what durable rows are about. CPU is noted beside it. */
    const contender = (who, pids, work, count) => async () => {
      const before = cpuNs(pids().flatMap(family))
      const ms = await work(count)
      const ns = Number(cpuNs(pids().flatMap(family)) - before)
      ;(cpu[who] ??= []).push(ns / count / 1000)
      return (ms * 1000) / count
    }
    const few = Math.max(100, Math.round(requests / 10))
    const costs = await interleave(
      {
        ours: contender('ours', () => [vitrine.pid], ours, requests),
        group: contender('group', () => [grouped.pid], grouped.make, requests),
        postgres: contender('postgres', () => [postgres.pid], many.make, requests),
        alone: contender('alone', () => [postgres.pid], one.make, few),
      },
      rounds,
    )
    // The first of each warmed up.
    for (const all of Object.values(cpu)) all.shift()
    return {
      unit: 'µs per session',
      cost: {
        'ours, time': median(costs.ours),
        'group commit alone, time': median(costs.group),
        [`PostgreSQL, ${IN_FLIGHT} connections, time`]: median(costs.postgres),
        'PostgreSQL, one connection, time': median(costs.alone),
        'ours, CPU': median(cpu.ours),
        'group commit alone, CPU (with its client)': median(cpu.group),
        [`PostgreSQL, ${IN_FLIGHT} connections, CPU`]: median(cpu.postgres),
        'PostgreSQL, one connection, CPU': median(cpu.alone),
      },
      ratios: {
        [`time over PostgreSQL, ${IN_FLIGHT} connections`]: { ...ratios(costs, 'ours', 'postgres'), target: TARGET },
        'time over PostgreSQL, one connection': { ...ratios(costs, 'ours', 'alone'), target: TARGET },
        [`CPU over PostgreSQL, ${IN_FLIGHT} connections`]: { ...ratios(cpu, 'ours', 'postgres'), target: TARGET },
        'time over group commit alone': ratios(costs, 'ours', 'group'),
      },
    }
  } finally {
    for (const { stop } of started.reverse()) await stop()
  }
}
