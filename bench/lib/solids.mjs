// The solids of a script for another kernel: the script runs here with the stock library, whose solid booleans only write down what they
// were asked for. What comes out is a tree of booleans over meshes.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'

const require = createRequire(path.join(path.dirname(fileURLToPath(import.meta.url)), '../../web/jscad/package.json'))
const stock = require('@jscad/modeling')
const { geom3 } = stock.geometries

const OPERATIONS = { union: 'join', subtract: 'cut', intersect: 'meet' }

/** A solid that is not computed: the library carries its members along when it is moved or coloured. */
function recorded(operation, parts) {
  return Object.assign(geom3.create(), { recorded: { [operation]: parts.map(node) } })
}

/** A mesh of triangles, corners by their places. */
function mesh(solid) {
  const places = new Map()
  const corners = []
  const triangles = []
  const place = (corner) => {
    // Far finer than any of these models, and coarser than rounding.
    const key = corner.map((value) => Math.round(value * 1e6)).join(' ')
    if (!places.has(key)) {
      places.set(key, corners.length)
      corners.push(corner)
    }
    return places.get(key)
  }
  for (const { vertices } of solid.polygons) {
    const fan = vertices.map(place)
    for (let at = 2; at < fan.length; at++) {
      const triangle = [fan[0], fan[at - 1], fan[at]]
      if (new Set(triangle).size === 3) triangles.push(triangle)
    }
  }
  return { corners, triangles }
}

/** A node of the tree: what it is, and where it stands. */
function node(solid) {
  const at = Array.from(solid.transforms)
  return solid.recorded ? { ...solid.recorded, at } : { mesh: mesh(solid), at }
}

const flat = (parts) => parts.flat(9)

const booleans = Object.fromEntries(
  Object.entries(stock.booleans).map(([name, own]) => [
    name,
    (...parts) => (OPERATIONS[name] && geom3.isA(flat(parts)[0]) ? recorded(OPERATIONS[name], flat(parts)) : own(...parts)),
  ]),
)

/** What scripts may require beside the library. */
const OURS = { material: (_settings, ...parts) => (parts.length === 1 ? parts[0] : parts) }

/** The solids that a script makes with these values, its defaults for all others. */
export function solidsOf(file, values) {
  const module = { exports: {} }
  const own = (name) => (name === 'vitrine' ? OURS : { ...stock, booleans })
  const wrapped = vm.runInThisContext(`(function (module, exports, require) {${readFileSync(file, 'utf8')}\n})`, { filename: file })
  wrapped(module, module.exports, own)
  const { main, getParameterDefinitions } = module.exports
  const defaults = getParameterDefinitions()
    .filter(({ type }) => type !== 'group')
    .map(({ name, initial, checked, values: choices, type }) => [name, initial ?? (type === 'checkbox' ? Boolean(checked) : choices?.[0])])
  return flat([main({ ...Object.fromEntries(defaults), ...values })]).filter((part) => geom3.isA(part)).map(node)
}
