// Solids that live outside JavaScript. A geom3 made here looks like any other (`polygons`, `transforms`, `color`), but its polygons
// are made only when a script looks at them.
//
// What this file takes from the global object it takes once, before any script runs, so that a script which changes
// prototypes can only disturb itself.

const host = __host
const { defineProperty, keys, assign } = Object
const hasOwn = Object.hasOwn
const { isArray } = Array

const SOLID = Symbol('solid')
const POLYGONS = Symbol('polygons')

/* Refuses a count that the library would work off one by one, before it begins. What is no number the library refuses itself. */
const bounded = (name, options, member) => {
  if (options === undefined || options === null) return
  const count = options[member]
  if (typeof count === 'number' && count > 1) host.segments(name, count)
}

/* The same for a count whose work is told by the triangles that it makes. */
const sized = (name, options, member, triangles) => {
  if (options === undefined || options === null) return
  const count = options[member]
  if (typeof count === 'number' && count > 1) host.leaf(name, triangles(count))
}

const identity = () => [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]

const isIdentity = (m) => m[0] === 1 && m[5] === 1 && m[10] === 1 && m[15] === 1 &&
  m[1] === 0 && m[2] === 0 && m[3] === 0 && m[4] === 0 && m[6] === 0 && m[7] === 0 &&
  m[8] === 0 && m[9] === 0 && m[11] === 0 && m[12] === 0 && m[13] === 0 && m[14] === 0

const hide = (object, key, value) => defineProperty(object, key, { value, writable: true, configurable: true, enumerable: false })

const isNative = (object) => object !== null && typeof object === 'object' && hasOwn(object, SOLID) && object[SOLID] !== undefined

/* Polygons of a handle, as the library's poly3 objects. */
const polygonsOf = (solid) => {
  const flat = host.triangles(solid)
  const polygons = []
  for (let i = 0; i + 8 < flat.length; i += 9) {
    polygons.push({
      vertices: [
        [flat[i], flat[i + 1], flat[i + 2]],
        [flat[i + 3], flat[i + 4], flat[i + 5]],
        [flat[i + 6], flat[i + 7], flat[i + 8]]
      ]
    })
  }
  return polygons
}

function readPolygons () {
  if (!isNative(this)) return []
  if (this[POLYGONS] === undefined) hide(this, POLYGONS, polygonsOf(this[SOLID]))
  return this[POLYGONS]
}

function writePolygons (value) {
  defineProperty(this, 'polygons', { value, writable: true, configurable: true, enumerable: true })
  hide(this, SOLID, undefined)
}

/* A geom3 around a handle. */
const wrap = (solid, transforms) => {
  const geometry = {}
  defineProperty(geometry, 'polygons', { get: readPolygons, set: writePolygons, configurable: true, enumerable: true })
  geometry.transforms = transforms === undefined ? identity() : transforms
  hide(geometry, SOLID, solid)
  return geometry
}

/* A shallow copy that does not make the polygons. */
const copy = (geometry) => {
  if (!isNative(geometry)) return assign({}, geometry)
  const result = wrap(geometry[SOLID], geometry.transforms)
  if (geometry[POLYGONS] !== undefined) hide(result, POLYGONS, geometry[POLYGONS])
  for (const key of keys(geometry)) {
    if (key !== 'polygons' && key !== 'transforms') result[key] = geometry[key]
  }
  return result
}

/* Applies the transforms in place, as the library does when somebody looks. */
const applyTransforms = (geometry) => {
  if (isIdentity(geometry.transforms)) return geometry
  geometry[SOLID] = host.transform(geometry[SOLID], plain(geometry.transforms))
  hide(geometry, POLYGONS, undefined)
  geometry.transforms = identity()
  return geometry
}

const plain = (numbers) => {
  const result = []
  for (let i = 0; i < numbers.length; i++) result.push(numbers[i])
  return result
}

/* The number of a material in the host, 0 for none. */
const paintOf = (object) => {
  const { material, color } = object
  if (material !== undefined && material !== null) {
    const c = material.color
    return host.material(material.name === undefined ? '' : material.name, plain(c), material.metalness, material.roughness)
  }
  if (isArray(color)) return host.material('', [color[0], color[1], color[2], color.length > 3 ? color[3] : 1], -1, -1)
  return 0
}

const flatPolygons = (polygons) => {
  const coordinates = []
  const counts = []
  const paints = []
  for (let i = 0; i < polygons.length; i++) {
    const { vertices } = polygons[i]
    counts.push(vertices.length)
    paints.push(polygons[i].color === undefined ? 0 : paintOf(polygons[i]))
    for (let j = 0; j < vertices.length; j++) coordinates.push(vertices[j][0], vertices[j][1], vertices[j][2])
  }
  return [coordinates, counts, paints]
}

const imported = new WeakMap()
const importedGet = WeakMap.prototype.get.bind(imported)
const importedSet = WeakMap.prototype.set.bind(imported)

/* The handle of any geom3, before its transforms. Throws when the polygons do not close. */
const solidOf = (geometry) => {
  if (isNative(geometry)) return geometry[SOLID]
  const { polygons } = geometry
  const known = importedGet(polygons)
  if (known !== undefined) return known
  const [coordinates, counts, paints] = flatPolygons(polygons)
  const solid = host.polyhedron(coordinates, counts, paints)
  importedSet(polygons, solid)
  return solid
}

/* The handle of a geom3 in place, without its colour. */
const placed = (geometry) => {
  const solid = solidOf(geometry)
  return isIdentity(geometry.transforms) ? solid : host.transform(solid, plain(geometry.transforms))
}

/* The handle of a geom3 in place and in colour: what a boolean gets. */
const operand = (geometry) => {
  const solid = placed(geometry)
  const paint = paintOf(geometry)
  return paint === 0 ? solid : host.paint(solid, paint)
}

/* Gives `result` the colour of the shape that it was made from. */
const colorLike = (result, source) => {
  if (source !== undefined && source !== null) {
    if (source.color !== undefined) result.color = source.color
    if (source.material !== undefined) result.material = source.material
  }
  return result
}

const UNION = 0
const SUBTRACT = 1
const INTERSECT = 2

const boolean3 = (operation, geometries) => {
  if (geometries.length === 1) return geometries[0]
  const operands = []
  for (let i = 0; i < geometries.length; i++) operands.push(operand(geometries[i]))
  return wrap(host.boolean(operation, operands))
}

const flatSides = (sides) => {
  const flat = []
  for (let i = 0; i < sides.length; i++) flat.push(sides[i][0][0], sides[i][0][1], sides[i][1][0], sides[i][1][1])
  return flat
}

const sidesOf = (flat) => {
  const sides = []
  for (let i = 0; i + 3 < flat.length; i += 4) sides.push([[flat[i], flat[i + 1]], [flat[i + 2], flat[i + 3]]])
  return sides
}

const translation = (v) => [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, v[0], v[1], v[2], 1]

/* A geom3 of a handle that is moved to `center`. */
const wrapAt = (solid, center) => wrap(solid, translation(center))

const measured = (geometry) => {
  const m = host.measure(placed(geometry))
  return { volume: m[0], area: m[1], box: [[m[2], m[3], m[4]], [m[5], m[6], m[7]]], center: [m[8], m[9], m[10]] }
}

module.exports = {
  host,
  UNION,
  SUBTRACT,
  INTERSECT,
  bounded,
  sized,
  isNative,
  isIdentity,
  wrap,
  wrapAt,
  copy,
  applyTransforms,
  polygonsOf,
  flatPolygons,
  paintOf,
  placed,
  operand,
  colorLike,
  boolean3,
  flatSides,
  sidesOf,
  measured
}
