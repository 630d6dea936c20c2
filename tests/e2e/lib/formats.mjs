// Just enough of each file format to tell a whole file from half a one, and a picture from an empty one.

import { inflateSync } from 'node:zlib'

/** Header, chunk lengths and JSON of a binary glTF; throws when the file is cut short or not one. */
export function readGlb(bytes) {
  if (bytes.length < 20 || bytes.toString('latin1', 0, 4) !== 'glTF') throw new Error('not a binary glTF')
  const version = bytes.readUInt32LE(4)
  const length = bytes.readUInt32LE(8)
  if (version !== 2) throw new Error(`glTF version ${version}`)
  if (length !== bytes.length) throw new Error(`the header says ${length} bytes, there are ${bytes.length}`)
  let at = 12
  let json
  while (at < bytes.length) {
    const size = bytes.readUInt32LE(at)
    const kind = bytes.toString('latin1', at + 4, at + 8)
    if (at + 8 + size > bytes.length) throw new Error('a chunk reaches beyond the end of the file')
    if (kind === 'JSON') json = JSON.parse(bytes.toString('utf8', at + 8, at + 8 + size))
    at += 8 + size
  }
  if (!json) throw new Error('no JSON chunk')
  let triangles = 0
  for (const mesh of json.meshes ?? []) {
    for (const primitive of mesh.primitives) triangles += json.accessors[primitive.indices].count / 3
  }
  return { json, triangles }
}

/** Triangle count of a binary STL; throws unless the length agrees with it. */
export function readStl(bytes) {
  if (bytes.length < 84) throw new Error('too short for a binary STL')
  const triangles = bytes.readUInt32LE(80)
  if (bytes.length !== 84 + 50 * triangles) {
    throw new Error(`${triangles} triangles need ${84 + 50 * triangles} bytes, there are ${bytes.length}`)
  }
  return { triangles }
}

/** Edges of a binary STL that have not exactly one neighbour that turns the other way: none when it is watertight. */
export function openEdges(bytes) {
  const { triangles } = readStl(bytes)
  const edges = new Map()
  for (let index = 0; index < triangles; index += 1) {
    const corners = [12, 24, 36].map((at) => bytes.toString('hex', 84 + 50 * index + at, 96 + 50 * index + at))
    corners.forEach((from, side) => {
      const edge = `${from} ${corners[(side + 1) % 3]}`
      edges.set(edge, (edges.get(edge) ?? 0) + 1)
    })
  }
  return [...edges].filter(([edge, count]) => count !== 1 || edges.get(edge.split(' ').reverse().join(' ')) !== 1).length
}

/** Pixels of a PNG with 8 bits per channel, RGB or RGBA, not interlaced: what browsers write as screenshots. */
export function readPng(bytes) {
  let at = 8
  let width = 0
  let height = 0
  let channels = 0
  const data = []
  while (at < bytes.length) {
    const size = bytes.readUInt32BE(at)
    const kind = bytes.toString('latin1', at + 4, at + 8)
    const body = bytes.subarray(at + 8, at + 8 + size)
    if (kind === 'IHDR') {
      width = body.readUInt32BE(0)
      height = body.readUInt32BE(4)
      channels = { 2: 3, 6: 4 }[body[9]]
      if (body[8] !== 8 || channels === undefined || body[12] !== 0) throw new Error('a kind of PNG that is not read here')
    }
    if (kind === 'IDAT') data.push(body)
    at += 12 + size
  }
  return { width, height, channels, pixels: unfilter(inflateSync(Buffer.concat(data)), width, height, channels) }
}

function unfilter(raw, width, height, channels) {
  const stride = width * channels
  const out = Buffer.alloc(stride * height)
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? out[y * stride + x - channels] : 0
      const up = y > 0 ? out[(y - 1) * stride + x] : 0
      const corner = y > 0 && x >= channels ? out[(y - 1) * stride + x - channels] : 0
      const add = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]
      out[y * stride + x] = raw[y * (stride + 1) + 1 + x] + add
    }
  }
  return out
}

function paeth(left, up, corner) {
  const estimate = left + up - corner
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(estimate - value))
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

/** How many different colours a picture has, in steps of 16 per channel so that gradients and noise count little. */
export function colours({ pixels, channels }) {
  const seen = new Set()
  for (let at = 0; at < pixels.length; at += channels) {
    seen.add(((pixels[at] >> 4) << 8) | ((pixels[at + 1] >> 4) << 4) | (pixels[at + 2] >> 4))
  }
  return seen.size
}

/** The share of pixels, 0 to 1, that differ visibly between two pictures of one size. */
export function difference(a, b) {
  if (a.width !== b.width || a.height !== b.height) return 1
  let different = 0
  for (let pixel = 0; pixel < a.width * a.height; pixel++) {
    let most = 0
    for (let channel = 0; channel < 3; channel++) {
      const delta = Math.abs(a.pixels[pixel * a.channels + channel] - b.pixels[pixel * b.channels + channel])
      most = Math.max(most, delta)
    }
    if (most > 24) different += 1
  }
  return different / (a.width * a.height)
}
