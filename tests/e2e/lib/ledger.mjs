// What a server has acknowledged, and the check that it still holds all of it after a restart. A request that was under way
// when the server died may have happened or not; one that was answered must have, exactly once.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readGlb, readStl } from './formats.mjs'
import { expectStatus, request } from './http.mjs'
import { modelConfirmed } from './journey.mjs'

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** The name under which the database knows a session: it never sees the id itself. */
const sessionHash = (id) => sha256(Buffer.from(id, 'hex'))

/** Each check asks for so many of the newest of a kind: older ones were asked for after their own crash. */
const RECENT = 60

export class Ledger {
  constructor() {
    /** name -> {id, uploaded, label: last acknowledged, labels: all that may be there} */
    this.models = new Map()
    /** id -> {state: open | closing | closed, charged: {kind: [acknowledged, attempted]}} */
    this.sessions = new Map()
    /** href -> {hash, kind, session} */
    this.assets = new Map()
    /** value of the parameter -> version of the geometry */
    this.versions = new Map()
    /** value of the parameter -> hash of the geometry's bytes */
    this.hashes = new Map()
    this.tickets = new Map()
  }

  counts() {
    const of_state = (state) => [...this.sessions.values()].filter((session) => session.state === state).length
    return {
      models: [...this.models.values()].filter(({ id }) => id).length,
      uploads: [...this.models.values()].filter(({ uploaded }) => uploaded).length,
      sessions: this.sessions.size,
      closed: of_state('closed'),
      assets: this.assets.size,
      revoked: [...this.tickets.values()].filter((state) => state === 'revoked').length,
      credits_under_caps: this.credits ?? 0,
    }
  }

  opened(id, kinds) {
    this.sessions.set(id, { state: 'open', charged: Object.fromEntries(kinds.map((kind) => [kind, [0, 0]])) })
  }

  /** A chargeable request leaves: call the answer when it was acknowledged. */
  charging(id, kind) {
    const entry = this.sessions.get(id).charged[kind]
    entry[1] += 1
    return () => (entry[0] += 1)
  }
}

/** Asks a restarted server, and the rows behind it, for all that the ledger says. */
export async function verify(ledger, { base, token, database, geometry }) {
  await verifyModels(ledger, base, token)
  await verifySessions(ledger, base)
  await verifyAssets(ledger)
  await verifyGeometry(ledger, geometry)
  await verifyTickets(ledger, base)
  await verifyUsage(ledger, database)
  ledger.credits = await verifyCaps(database)
}

async function verifyModels(ledger, base, token) {
  const listed = await listModels(base, token)
  for (const [name, model] of ledger.models) {
    const found = listed.filter((entry) => model.labels.has(entry.name))
    assert.ok(found.length <= 1, `model ${name} is there ${found.length} times`)
    if (!model.id) continue
    assert.equal(found.length, 1, `the acknowledged model ${name} is lost`)
    assert.equal(found[0].id, model.id)
  }
  for (const [, model] of [...ledger.models].slice(-RECENT)) {
    if (!model.id) continue
    const { json } = await expectStatus(200, 'GET', `${base}/api/v2/model/${model.id}`, { token })
    // Changes of one model were sent one after the other, so at most the last may be unanswered.
    const possible = [...model.labels].slice([...model.labels].indexOf(model.label))
    assert.ok(possible.includes(json.model.name), `the model is called ${json.model.name}, acknowledged was ${model.label}`)
    // The analysis may have been cut off, and is taken up again once its lease has run out.
    if (model.uploaded) assert.ok(['uploaded', 'confirmed'].includes(json.model.stat), `an uploaded model is ${json.model.stat}`)
  }
}

/** Sooner or later every uploaded model is confirmed, whatever happened to the server that began with it. */
export async function verifyConfirmed(ledger, { base, token }) {
  for (const { id, uploaded } of ledger.models.values()) if (uploaded) await modelConfirmed(base, token, id)
}

async function listModels(base, token) {
  const all = []
  let offset
  do {
    const query = offset === undefined ? '' : `?offset=${encodeURIComponent(offset)}`
    const { json } = await expectStatus(200, 'GET', `${base}/api/v2/model/list${query}`, { token })
    all.push(...json.list.model)
    offset = json.pagination.next_offset
  } while (offset !== undefined)
  return all
}

async function verifySessions(ledger, base) {
  for (const [id, session] of [...ledger.sessions].slice(-RECENT)) {
    const { status, body } = await request('GET', `${base}/api/v2/session/${id}/default`)
    const possible = { open: [200], closing: [200, 410], closed: [410] }[session.state]
    assert.ok(possible.includes(status), `a session that was ${session.state} answers ${status}: ${body.toString().slice(0, 300)}`)
    // A close that was never answered may have happened, or may happen yet: a database goes on with what the killed server
    // sent it. Once it has happened it stays so.
    if (status === 410) session.state = 'closed'
  }
}

async function verifyAssets(ledger) {
  for (const [href, { hash, kind, session }] of [...ledger.assets].slice(-RECENT)) {
    const { status, body } = await request('GET', href)
    // Links die with their session.
    if (status === 410 && ledger.sessions.get(session).state !== 'open') continue
    assert.equal(status, kind === 'glb' ? 206 : 200, `${href}: ${body.toString().slice(0, 300)}`)
    assertWhole(kind, body)
    assert.equal(sha256(body), hash, `other bytes than before at ${href}`)
  }
}

function assertWhole(kind, body) {
  if (kind === 'glb') readGlb(body)
  else readStl(body)
}

/** The same values give the same version and the same bytes as before, from the cache or computed anew. */
async function verifyGeometry(ledger, geometry) {
  for (const [value, hash] of [...ledger.hashes].slice(-RECENT)) {
    const { version, body } = await geometry(value)
    assert.equal(version, ledger.versions.get(value), `${value} has another version than before`)
    assertWhole('glb', body)
    assert.equal(sha256(body), hash, `${value} has other bytes than before`)
  }
}

async function verifyTickets(ledger, base) {
  for (const [ticket, state] of ledger.tickets) {
    const { status } = await request('POST', `${base}/api/v2/ticket/${ticket}`, { json: {} })
    const possible = { revoking: [201, 403], revoked: [403] }[state]
    assert.ok(possible.includes(status), `a ticket that was ${state} answers ${status}`)
  }
}

/** The total of each cap on a model is the sum of the rows of its window, whenever the server died. */
async function verifyCaps(database) {
  const rows = await database.rows(
    `SELECT c.scope AS scope, c.period AS period, c.used AS used, (SELECT COALESCE(SUM(u.credits), 0) FROM usage_event u
       WHERE ${database.hex('u.model')} = replace(substr(c.scope, 7), '-', '') AND u.at >= c.window_start) AS spent
     FROM credit_cap c WHERE c.scope LIKE 'model:%'`,
  )
  for (const [scope, period, used, spent] of rows) {
    assert.equal(Number(used), Number(spent), `the cap per ${period} on ${scope} counts other credits than the rows`)
  }
  return rows.reduce((total, [, , used]) => total + Number(used), 0)
}

async function verifyUsage(ledger, database) {
  const rows = await database.rows(
    `SELECT ${database.hex('session')} AS session, kind AS kind, count(*) AS rows FROM usage_event WHERE session IS NOT NULL GROUP BY session, kind`,
  )
  const charged = new Map(rows.map(([session, kind, count]) => [`${session} ${kind}`, Number(count)]))
  for (const [id, session] of ledger.sessions) {
    const hash = sessionHash(id)
    assert.equal(charged.get(`${hash} session`) ?? 0, 1, 'an acknowledged session is charged exactly once')
    for (const [kind, [acknowledged, attempted]] of Object.entries(session.charged)) {
      const count = charged.get(`${hash} ${kind}`) ?? 0
      assert.ok(count >= acknowledged, `${acknowledged} acknowledged requests of kind ${kind}, but ${count} usage rows`)
      assert.ok(count <= attempted, `${attempted} requests of kind ${kind}, but ${count} usage rows`)
    }
  }
  // Acknowledged or not: a session and its charge are there together or not at all, and never twice.
  const [[odd]] = await database.rows(
    `SELECT count(*) AS n FROM (SELECT s.hash FROM session s LEFT JOIN usage_event u ON u.session = s.hash AND u.kind = 'session' GROUP BY s.hash HAVING count(u.id) <> 1) AS odd`,
  )
  assert.equal(Number(odd), 0, 'sessions without their one charge')
}
