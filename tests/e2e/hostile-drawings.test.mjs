// Damaged, hostile and huge drawings through a real server: each gets a clear error or is handed out within the bounds of drawings,
// and the server goes on as if nothing had been. All of them come from a seed, which is printed.
//
// VITRINE_HOSTILE_DRAWINGS how many, 200 by default; VITRINE_HOSTILE_SEED another seed, or one that failed

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { request } from './lib/http.mjs'
import { ONCE, startPartner } from './lib/partner.mjs'
import { until } from './lib/server.mjs'

const DRAWINGS = Number(process.env.VITRINE_HOSTILE_DRAWINGS ?? 200)
const SEED = Number(process.env.VITRINE_HOSTILE_SEED ?? randomInt(2 ** 31))
/** The server's own bounds (docs/partners.md, and crates/drawing/src/limits.rs for what a drawing may grow to). */
const FILE_BYTES_MAX = 33_554_432
const DXF_BYTES_MAX = 96 << 20
/** Saves of what is no drawing, or one that must not be stored. */
const SAVES = 12
const IN_FLIGHT = 4
/** What the server may keep in memory afterwards: its bounded caches of drawings, and what an allocator holds back. */
const KEPT_BYTES_MAX = 400 << 20

/** Numbers that repeat themselves (mulberry32). */
function chance(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return (bound) => Math.floor(next() * bound)
}

// ---- What people make of files

function flipped(bytes, pick) {
  const copy = Buffer.from(bytes)
  for (let flips = 1 + pick(40); flips > 0; flips--) copy[6 + pick(copy.length - 6)] ^= 1 << pick(8)
  return copy
}

const cut = (bytes, pick) => bytes.subarray(0, 6 + pick(bytes.length - 6))

/** Lines that are left out, doubled, exchanged, or say something absurd. */
function scrambled(bytes, pick) {
  const lines = bytes.toString('latin1').split('\n')
  for (let changes = 1 + pick(20); changes > 0; changes--) {
    const at = pick(lines.length)
    const kind = pick(5)
    if (kind === 0) lines.splice(at, 1)
    else if (kind === 1) lines.splice(at, 0, lines[at])
    else if (kind === 2) lines[at] = lines[pick(lines.length)]
    else if (kind === 3) lines[at] = ['2147483647', '-1', '1e999', 'NaN', '\0', 'FFFFFFFFFFFFFFFF', ''][pick(7)]
    else lines.splice(at, 1 + pick(50))
  }
  return Buffer.from(lines.join('\n'), 'latin1')
}

/** Without handles a drawing is read and written by a library, instead of being looked through. */
const withoutHandles = (bytes) => Buffer.from(bytes.toString('latin1').replace(/\n {2}5\r?\n[0-9A-F]+(?=\r?\n)/g, ''), 'latin1')

const damaged = (name, make, ending) => (originals, pick) => ({ name, ending, bytes: make(originals, pick) })
const DAMAGES = [
  damaged('bits of a DWG file', ({ dwg }, pick) => flipped(dwg, pick), 'dwg'),
  damaged('a DWG file that was cut off', ({ dwg }, pick) => cut(dwg, pick), 'dwg'),
  damaged('bits of a DXF file', ({ dxf }, pick) => flipped(dxf, pick), 'dxf'),
  damaged('a DXF file that was cut off', ({ dxf }, pick) => cut(dxf, pick), 'dxf'),
  damaged('lines of a DXF file', ({ dxf }, pick) => scrambled(dxf, pick), 'dxf'),
  damaged('lines of a DXF file without handles', ({ bare }, pick) => scrambled(bare, pick), 'dxf'),
]

// ---- What people do on purpose

/** Sections of a drawing; entities get handles of their own. */
function drawing({ header = '', blocks = '', entities = '', objects = '' }) {
  const section = (name, content) => (content ? `0\nSECTION\n2\n${name}\n${content}0\nENDSEC\n` : '')
  const head = header || '9\n$ACADVER\n1\nAC1024\n9\n$HANDSEED\n5\nFFFFFF\n'
  const all = section('HEADER', head) + section('BLOCKS', blocks) + `0\nSECTION\n2\nENTITIES\n${entities}0\nENDSEC\n` + section('OBJECTS', objects)
  return Buffer.from(`${all}0\nEOF\n`)
}

let handles = 0x100
const handle = () => `5\n${(handles++).toString(16).toUpperCase()}\n`
const point = () => `0\nPOINT\n${handle()}10\n1\n20\n1\n`
const insert = (name, more = '') => `0\nINSERT\n${handle()}2\n${name}\n10\n0\n20\n0\n${more}`
const block = (name, inside) => `0\nBLOCK\n${handle()}2\n${name}\n70\n0\n10\n0\n20\n0\n${inside}0\nENDBLK\n${handle()}`

/** Blocks that each hold the next one some times. */
function nested(depth, times) {
  let blocks = ''
  for (let at = 0; at < depth; at++) blocks += block(`B${at}`, point() + (at + 1 < depth ? insert(`B${at + 1}`).repeat(times) : ''))
  return drawing({ blocks, entities: insert('B0') })
}

const REFUSED = 'refused'
const HANDED_OUT = 'handed out'
const EITHER = 'either'
/** Good as a drawing, and too large as a file: saves are bounded otherwise. */
const LARGE = 'more bytes than are taken'
const PURPOSES = () => [
  ['10^6 entities', EITHER, () => drawing({ entities: Array.from({ length: 1_000_000 }, (_, at) => `0\nPOINT\n5\n${(at + 256).toString(16)}\n10\n1\n`).join('') })],
  ['200,000 entities without handles', EITHER, () => drawing({ entities: '0\nPOINT\n8\n0\n10\n1\n20\n1\n'.repeat(200_000) })],
  [LARGE, REFUSED, () => Buffer.concat([drawing({}), Buffer.alloc(FILE_BYTES_MAX, 0x20)])],
  ['as many bytes as are taken', EITHER, () => drawing({ entities: `0\nTEXT\n${handle()}1\n${'x'.repeat(FILE_BYTES_MAX - 300)}\n` })],
  ['nested blocks that explode', REFUSED, () => nested(12, 10)],
  ['a few nested blocks', HANDED_OUT, () => nested(6, 2)],
  ['blocks nested 20,000 deep', REFUSED, () => nested(20_000, 1)],
  ['a block that stands in itself', REFUSED, () => drawing({ blocks: block('A', insert('B')) + block('B', insert('a')), entities: insert('A') })],
  ['an insertion of 32,767 rows and columns', REFUSED, () => drawing({ blocks: block('A', point()), entities: insert('A', '70\n32767\n71\n32767\n') })],
  ['an insertion of columns beyond all numbers', EITHER, () => drawing({ blocks: block('A', point()), entities: insert('A', '70\n99999999999999999999999\n71\n-5\n') })],
  ['a polyline that promises 2^31 corners', EITHER, () => drawing({ entities: `0\nLWPOLYLINE\n${handle()}90\n2147483647\n70\n0\n10\n0\n20\n0\n` })],
  ['a polyline that promises 2^31 corners, without a handle', EITHER, () => drawing({ entities: '0\nLWPOLYLINE\n90\n2147483647\n70\n0\n10\n0\n20\n0\n' })],
  ['a spline of a billion knots, without a handle', EITHER, () => drawing({ entities: '0\nSPLINE\n71\n3\n72\n1000000000\n73\n1000000000\n40\n0\n' })],
  ['a hatch of a billion paths, without a handle', EITHER, () => drawing({ entities: '0\nHATCH\n2\nSOLID\n70\n1\n91\n1000000000\n92\n2\n93\n1000000000\n' })],
  ['a mesh of a billion faces, without a handle', EITHER, () => drawing({ entities: '0\nMESH\n92\n1000000000\n93\n1000000000\n94\n1000000000\n' })],
  ['the same handle for everything', EITHER, () => drawing({ entities: '0\nPOINT\n5\nA0\n10\n1\n20\n1\n'.repeat(5_000) })],
  ['a seed of handles at its end', EITHER, () => drawing({ header: '9\n$HANDSEED\n5\nFFFFFFFFFFFFFFFF\n', entities: point() })],
  ['dictionaries that own each other', EITHER, () => drawing({ entities: point(), objects: '0\nDICTIONARY\n5\nC\n330\nD\n3\nX\n350\nD\n0\nDICTIONARY\n5\nD\n330\nC\n3\nX\n350\nC\n' })],
  ['groups of codes that never close', EITHER, () => drawing({ entities: `0\nPOINT\n5\nA1\n${'102\n{ACAD_REACTORS\n'.repeat(50_000)}` })],
  ['numbers that are none', EITHER, () => drawing({ entities: '0\nCIRCLE\n10\nNaN\n20\ninf\n40\n-1e999\n' })],
  ['nothing', REFUSED, () => Buffer.alloc(0)],
  ['one NUL', REFUSED, () => Buffer.alloc(1)],
  ['a megabyte of NULs', REFUSED, () => Buffer.alloc(1 << 20)],
  ['the head of a DWG file and nothing else', REFUSED, () => Buffer.from('AC1032')],
  ['the head of a DWG file that nobody has', REFUSED, () => Buffer.concat([Buffer.from('AC1099'), Buffer.alloc(4_096, 0xff)])],
  ['the head of a binary DXF file and nothing else', REFUSED, () => Buffer.from('AutoCAD Binary DXF\r\n\x1a\0', 'latin1')],
  ['a binary DXF file of 0xFF', REFUSED, () => Buffer.concat([Buffer.from('AutoCAD Binary DXF\r\n\x1a\0', 'latin1'), Buffer.alloc(65_536, 0xff)])],
  ['one endless line', REFUSED, () => Buffer.alloc(8 << 20, 0x30)],
  ['a million empty lines', REFUSED, () => Buffer.alloc(1 << 20, 0x0a)],
  ['a page of the web', REFUSED, () => Buffer.from('<!doctype html><script>alert(1)</script>')],
  ['UTF-16', REFUSED, () => Buffer.from(drawing({ entities: point() }).toString(), 'utf16le')],
  ['two ends', EITHER, () => Buffer.concat([drawing({ entities: point() }), drawing({ entities: point() })])],
]

describe('damaged, hostile and huge drawings', () => {
  const pick = chance(SEED)
  let partner
  let originals
  before(async () => {
    console.log(`seed ${SEED} (VITRINE_HOSTILE_SEED repeats it), ${DRAWINGS} drawings`)
    const demo = (name) => readFile(new URL(`../../demo/drawings/${name}`, import.meta.url))
    const dxf = await demo('flat.dxf')
    originals = { dxf, dwg: await demo('flat.dwg'), bare: withoutHandles(dxf) }
    partner = await startPartner()
    await partner.bucket.put('good.dxf', dxf)
  })
  after(() => partner?.stop())

  const memory = async () => {
    const status = await readFile(`/proc/${partner.running.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) * 1024
  }

  /** Worker processes at this moment. */
  async function workers() {
    let count = 0
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === partner.running.pid) count += 1
    }
    return count
  }

  async function openGood() {
    const answer = await partner.open(await partner.token({ file: 'good.dxf', access: 'edit', userId: 'good' }))
    assert.equal(answer.status, 201, answer.body.toString())
    const drawing = await partner.drawing(answer.json.session)
    assert.equal(drawing.status, 200, drawing.body.toString())
    assert.deepEqual(drawing.body, originals.dxf)
    return answer.json
  }

  function assertClear({ status, json, body }, what) {
    assert.equal(status, 400, `${what}: ${status} ${body.toString().slice(0, 300)}`)
    assert.ok(['drawing-invalid', 'too-large'].includes(json.code), `${what}: ${json.code}`)
    assert.ok(json.message.length > 20 && json.requestId && json.doc, `${what}: ${body}`)
    assert.doesNotMatch(json.message, /panicked|unwrap|\.rs:|src\//, what)
  }

  /** Opens one, and says what became of it. */
  async function meet({ name, ending, bytes, expected = EITHER }, number) {
    const what = `drawing ${number} of seed ${SEED}, ${name}`
    const file = `hostile/${number}.${ending}`
    await partner.bucket.put(file, bytes)
    const opened = await partner.open(await partner.token({ file }))
    let answer = opened
    if (opened.status === 201) {
      answer = await partner.drawing(opened.json.session)
      await partner.close(opened.json.session)
    }
    if (answer.status === 200) {
      assert.notEqual(expected, REFUSED, `${what}: it was handed out`)
      assert.ok(answer.body.length <= DXF_BYTES_MAX, `${what}: ${answer.body.length} bytes`)
      assert.match(answer.body.subarray(-20).toString(), /EOF\s*$/, what)
      return HANDED_OUT
    }
    assertClear(answer, what)
    assert.notEqual(expected, HANDED_OUT, `${what}: ${answer.json.message}`)
    return REFUSED
  }

  /** Does the work for each of `items`, some at a time. */
  async function each(items, work) {
    const rest = items.entries()
    const worker = async () => {
      for (const [number, make] of rest) await work(make(), number)
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  }

  test(`each of ${DRAWINGS} is a clear error or a drawing within its limits, and the server is unmoved`, async () => {
    await openGood().then(({ session }) => partner.close(session))
    const before_bytes = await memory()
    const started = Date.now()
    const purposes = PURPOSES().map(([name, expected, make]) => ({ name, ending: 'dxf', expected, make }))
    const items = Array.from({ length: DRAWINGS }, (_, number) => {
      if (number < purposes.length) return () => ({ ...purposes[number], bytes: purposes[number].make() })
      const made = DAMAGES[number % DAMAGES.length](originals, pick)
      return () => made
    })
    let slowest_ms = 0
    let watching = true
    const watch = (async () => {
      while (watching) {
        const asked = Date.now()
        const { status } = await request('GET', `${partner.base}/healthz`, { agent: ONCE })
        assert.equal(status, 200)
        slowest_ms = Math.max(slowest_ms, Date.now() - asked)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })()
    const counts = new Map()
    const faults = []
    try {
      await each(items, async (item, number) => {
        const became = await meet(item, number).catch((error) => {
          faults.push(error.message)
          return 'WRONG'
        })
        const key = `${became.padEnd(10)}  ${item.name}`
        counts.set(key, (counts.get(key) ?? 0) + 1)
      })
    } finally {
      watching = false
      await watch
    }
    for (const [key, count] of [...counts].sort()) console.log(`${String(count).padStart(4)}  ${key}`)
    assert.deepEqual(faults, [])
    await openGood().then(({ session }) => partner.close(session))
    const grown = (await memory()) - before_bytes
    console.log(`${Date.now() - started} ms; memory ${Math.round(before_bytes / 2 ** 20)} MiB, grown by ${Math.round(grown / 2 ** 20)} MiB; slowest answer about health ${slowest_ms} ms`)
    assert.ok(grown < KEPT_BYTES_MAX, `the server grew by ${grown} bytes`)
    assert.equal((await request('GET', `${partner.base}/readyz`, { agent: ONCE })).status, 200)
    assert.doesNotMatch(partner.running.log, /panicked/, 'the server itself panicked')
  })

  test('no such drawing is stored by a save, and the good one stays the newest', async () => {
    const { session, etag } = await openGood()
    const purposes = PURPOSES().filter(([name, expected]) => expected === REFUSED && name !== LARGE)
    for (let number = 0; number < SAVES; number++) {
      const [name, , make] = purposes[pick(purposes.length)]
      const answer = await partner.save(session, etag, make())
      if (answer.status === 413) continue
      assertClear(answer, `a save of ${name}, seed ${SEED}`)
    }
    const drawing = await partner.drawing(session)
    assert.equal(drawing.headers.etag, etag)
    assert.deepEqual(drawing.body, originals.dxf)
    await partner.close(session)
    await until('the workers for drawings are gone', async () => (await workers()) <= 4)
  })
})
