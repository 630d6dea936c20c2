// `require('vitrine')`: materials and measurements for models.

const { geometries, measurements, colors, utils } = require('@jscad/modeling')

const { geom2, geom3, path2 } = geometries

const kinds = [geom3, geom2, path2]

let named = {}

const unit = (value, name, fallback) => {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw new Error(`material: ${name} must be a number from 0 to 1`)
  return value
}

const readColor = (color) => {
  if (Array.isArray(color) && color.length >= 3) return [0, 1, 2, 3].map((i) => unit(color[i], 'each part of color', 1))
  if (typeof color === 'string') {
    const parsed = color.startsWith('#') ? colors.hexToRgb(color) : colors.colorNameToRgb(color)
    if (parsed !== undefined && parsed.length >= 3 && parsed.every(Number.isFinite)) return [parsed[0], parsed[1], parsed[2], parsed.length > 3 ? parsed[3] : 1]
  }
  throw new Error("material: color must be '#rrggbb', '#rrggbbaa', a CSS colour name or [r, g, b, a] from 0 to 1")
}

const read = (definition, name) => {
  if (definition === null || typeof definition !== 'object') throw new Error('material: give a name from vitrine.materials, or { color, metalness, roughness }')
  return {
    name,
    color: readColor(definition.color),
    metalness: unit(definition.metalness, 'metalness', 0),
    roughness: unit(definition.roughness, 'roughness', 0.6)
  }
}

const material = (what, ...objects) => {
  let definition
  if (typeof what === 'string') {
    if (!Object.hasOwn(named, what)) throw new Error(`material: '${what}' is not in vitrine.materials`)
    definition = named[what]
  } else {
    definition = read(what)
  }
  const painted = utils.flatten(objects).filter((object) => object !== undefined && object !== null).map((object) => {
    const kind = kinds.find((candidate) => candidate.isA(object))
    if (kind === undefined) throw new Error('material: only shapes can have a material')
    const copy = kind.clone(object)
    copy.color = definition.color
    copy.material = definition
    return copy
  })
  if (painted.length === 0) throw new Error('material: no shape was given')
  return painted.length === 1 ? painted[0] : painted
}

const list = (shapes, name) => {
  const flat = utils.flatten([shapes]).filter((shape) => shape !== undefined && shape !== null)
  if (flat.length === 0) throw new Error(`${name}: no shape was given`)
  return flat
}

const total = (values) => values.reduce((sum, value) => sum + value, 0)

const volume = (shapes) => total(list(shapes, 'volume').map((shape) => geom3.isA(shape) ? measurements.measureVolume(shape) : 0))

const area = (shapes) => total(list(shapes, 'area').map((shape) => measurements.measureArea(shape)))

const boundingBox = (shapes) => {
  const boxes = list(shapes, 'boundingBox').map((shape) => measurements.measureBoundingBox(shape))
  const corner = (end, pick) => [0, 1, 2].map((axis) => pick(...boxes.map((box) => box[end][axis])))
  return [corner(0, Math.min), corner(1, Math.max)]
}

/* Reads `vitrine.materials` of the model. */
const setMaterials = (materials) => {
  named = {}
  for (const name of Object.keys(materials)) named[name] = read(materials[name], name)
}

module.exports = { api: { material, volume, area, boundingBox }, setMaterials }
