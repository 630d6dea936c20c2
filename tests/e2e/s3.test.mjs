// A server whose blobs and whose partner's drawings lie on a real S3 server: models are uploaded, computed and erased, drawings
// opened, saved and kept in versions. What is on the S3 server is looked at beside the server under test.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { expectStatus, request } from './lib/http.mjs'
import { createTicket, glbOf, uploadModel } from './lib/journey.mjs'
import { S3Bucket, startPartner } from './lib/partner.mjs'
import { startS3 } from './lib/s3.mjs'
import { until } from './lib/server.mjs'

const FLAT = new URL('../../demo/drawings/flat.dxf', import.meta.url)
const FLAT_DWG = new URL('../../demo/drawings/flat.dwg', import.meta.url)
/** Blobs that nobody names are swept a minute after the erasure. */
const SWEPT_MS_MAX = 180_000

describe('a server on S3', () => {
  let s3
  let partner
  let bucket
  let backend
  before(async () => {
    s3 = await startS3('models', 'drawings')
    bucket = new S3Bucket(s3, 'drawings', 'acme/content')
    partner = await startPartner({ makeBucket: () => bucket, objects: 's3://models/blobs', env: s3.env })
    backend = (await partner.cli('jwt', 'mint', '--subject', 'backend', '--scope', '*', '--ttl', '3600')).split('\n').at(-1).trim()
  })
  after(async () => {
    await partner?.stop()
    await s3?.stop()
  })

  const blobs = () => s3.names('models', 'blobs/')
  const open = async (parameters) => {
    const answer = await partner.open(await partner.token(parameters))
    assert.equal(answer.status, 201, answer.body.toString())
    return answer.json
  }

  test('a model is uploaded, computed and downloaded, and nothing of it is left after its erasure', async () => {
    const empty = await blobs()
    const model = await uploadModel(partner.base, backend, { name: 'Box', settings: { backendaccess: true } })
    const described = await blobs()
    assert.ok(described.length > empty.length, 'the model and its default results are objects')
    const ticket = await createTicket(partner.base, backend, model, { type: 'backend' })
    const session = (await expectStatus(201, 'POST', `${partner.base}/api/v2/ticket/${ticket}`)).json
    const [parameter] = Object.keys(session.parameters)
    const [output] = Object.keys(session.outputs)
    const computed = await until('the output is computed', async () => {
      const { json } = await expectStatus(200, 'PUT', `${partner.base}/api/v2/session/${session.sessionId}/output`, { json: { [parameter]: '123.5' } })
      return json.outputs[output].content?.length && json.outputs[output]
    })
    const now = await blobs()
    assert.ok(now.length > described.length, 'so is what was computed')
    const { href } = glbOf(computed)
    const glb = await request('GET', href)
    assert.ok([200, 206].includes(glb.status), `status ${glb.status}`)
    assert.equal(glb.body.subarray(0, 4).toString(), 'glTF')
    const part = await request('GET', href, { headers: { range: 'bytes=4-11' } })
    assert.equal(part.status, 206)
    assert.deepEqual(part.body, glb.body.subarray(4, 12))
    console.log(`objects: ${empty.length} before, ${described.length} with the model, ${now.length} computed`)
    await expectStatus(202, 'DELETE', `${partner.base}/api/v2/system/model/${model}`, { token: backend })
    await until('the blobs are swept', async () => (await blobs()).length === empty.length, { ms_max: SWEPT_MS_MAX, every_ms: 1_000 })
  })

  test('a drawing is opened and saved; the original is never written to and each version is written once', async () => {
    const original = await readFile(FLAT)
    await bucket.put('plans/flat.dxf', original)
    const state = await open({ file: 'plans/flat.dxf', access: 'edit', userId: 'u-1' })
    const { body: seen } = await partner.drawing(state.session)
    assert.deepEqual(seen, original)
    const changed = seen.toString().replace(/(\nCIRCLE\r?\n[^]*?\n 40\r?\n)[\d.]+/, '$1812.5')
    assert.notEqual(changed, seen.toString())
    const saved = await partner.save(state.session, state.etag, changed)
    assert.equal(saved.status, 200, saved.body.toString())
    assert.equal(saved.json.version, 2)
    assert.deepEqual(await bucket.get('plans/flat.dxf'), original)
    const versions = await bucket.names('.vitrine/versions/')
    assert.deepEqual(versions, ['.vitrine/versions/plans/flat.dxf/000001.dxf', '.vitrine/versions/plans/flat.dxf/000002.dxf'])
    assert.deepEqual(await bucket.get(versions[0]), original)
    assert.match((await bucket.get(versions[1])).toString(), /812\.5/)
    for (const name of ['plans/flat.dxf', ...versions]) assert.equal(await s3.writes('drawings', `acme/content/${name}`), 1, name)

    const stale = await partner.save(state.session, state.etag, seen.toString().replaceAll('FURNITURE', 'FURNISHED'))
    assert.equal(stale.status, 409, stale.body.toString())
    assert.equal(stale.json.code, 'drawing-stale')
    assert.equal((await bucket.names('.vitrine/versions/')).length, 3, 'both are kept')
    assert.match((await partner.drawing(state.session)).body.toString(), /812\.5/, 'and the newest stays')
    await partner.close(state.session)
  })

  test('what the partner puts into its bucket is the newest version', async () => {
    const original = await readFile(FLAT)
    await bucket.put('plans/replaced.dxf', original)
    const first = await open({ file: 'plans/replaced.dxf' })
    await bucket.put('plans/replaced.dxf', original.toString().replaceAll('FURNITURE', 'FURNISHED'))
    const second = await open({ file: 'plans/replaced.dxf' })
    assert.notEqual(second.etag, first.etag)
    assert.match((await partner.drawing(first.session)).body.toString(), /FURNISHED/)
  })

  test('in a bucket that keeps old objects, version 1 is what was opened first, whatever is put over it or deleted', async () => {
    const name = 'plans/kept.dxf'
    const original = await readFile(FLAT)
    await bucket.put(name, original)
    const state = await open({ file: name, access: 'edit', userId: 'u-1' })
    const seen = (await partner.drawing(state.session)).body.toString()
    const saved = await partner.save(state.session, state.etag, seen.replace(/(\nCIRCLE\r?\n[^]*?\n 40\r?\n)[\d.]+/, '$1812.5'))
    assert.deepEqual([saved.status, saved.json.version], [200, 2], saved.body.toString())
    await partner.close(state.session)
    const put = original.toString().replaceAll('FURNITURE', 'FURNISHED')
    await bucket.put(name, put)
    const third = await open({ file: name })
    assert.match(third.etag, /^"3-/)
    assert.match((await partner.drawing(third.session)).body.toString(), /FURNISHED/)
    const versions = await bucket.names(`.vitrine/versions/${name}/`)
    assert.deepEqual(versions.map((version) => Number(/(\d+)\.dxf$/.exec(version)[1])), [1, 2, 3])
    assert.deepEqual(await bucket.get(versions[0]), original)
    assert.match((await bucket.get(versions[1])).toString(), /812\.5/)
    assert.deepEqual((await bucket.get(versions[2])).toString(), put)
    for (const version of versions) assert.equal(await s3.writes('drawings', `acme/content/${version}`), 1, `${version} was written once`)
    assert.equal(await s3.writes('drawings', `acme/content/${name}`), 2, 'the partner put it there twice, and nobody else wrote it')

    // A delete marker stands in its place: there is no such drawing, until it is put back.
    await s3.remove('drawings', `acme/content/${name}`)
    const gone = await partner.open(await partner.token({ file: name }))
    assert.deepEqual([gone.status, gone.json.code], [404, 'entity-unknown'], gone.body.toString())
    await bucket.put(name, original)
    const back = await open({ file: name })
    assert.deepEqual((await partner.drawing(back.session)).body, original)
    assert.match(back.etag, /^"4-/)
    assert.deepEqual(await bucket.get(versions[0]), original)
  })

  test('a DWG file is opened as DXF', async () => {
    await bucket.put('plans/flat.dwg', await readFile(FLAT_DWG))
    const state = await open({ file: 'plans/flat.dwg' })
    assert.match((await partner.drawing(state.session)).body.toString(), /VITRINE_PARTS/)
  })

  test('names that lead out of the bucket, and names that are not there, open nothing', async () => {
    await s3.put('drawings', 'other/content/secret.dxf', await readFile(FLAT))
    for (const file of ['../../other/content/secret.dxf', '/other/content/secret.dxf', '..%2f..%2fother/content/secret.dxf', '.vitrine/versions/plans/flat.dxf/000001.dxf', 'secret.dxf']) {
      const answer = await partner.open(await partner.token({ file }))
      assert.ok([400, 404].includes(answer.status), `${file}: ${answer.status} ${answer.body}`)
      assert.doesNotMatch(answer.body.toString(), /acme|127\.0\.0\.1|localhost/)
    }
  })

  test('a bucket that does not answer is told as such, and works again afterwards', async () => {
    const other = await startPartner({ makeBucket: () => new S3Bucket(s3, 'nowhere', 'x'), env: { ...s3.env, VITRINE_WORKERS: '1' } })
    try {
      const answer = await other.open(await other.token({ file: 'a.dxf' }))
      assert.ok([404, 500, 503].includes(answer.status), `${answer.status} ${answer.body}`)
      assert.ok(answer.json.message && answer.json.code, answer.body.toString())
      assert.doesNotMatch(answer.body.toString(), /nowhere|127\.0\.0\.1|test/)
      assert.equal((await request('GET', `${other.base}/readyz`)).status, 200)
    } finally {
      await other.stop()
    }
  })
})
