// The JavaScript half of the engine. The host evaluates this file in a fresh context, calls `load` with the model's script, then
// `describe` or `prepare` and `shapes` / `data` for each wanted result. Everything it returns to the host is JSON text or flat
// arrays of numbers and handles, which the host checks again.

const jscad = require('@jscad/modeling')
const native = require('./native.js')
const vitrine = require('./vitrine.js')
const normalise = require('./normalise.js')

const { host } = native
const { stringify, parse } = JSON
const { geom2, geom3, path2 } = jscad.geometries
const { isArray } = Array

require('./quiet.js')()

const state = {
  exports: {},
  model: undefined,
  values: {},
  results: new Map()
}

const subModule = (path) => {
  let found = jscad
  for (const part of path.replace(/^src\//, '').replace(/\/index(\.js)?$/, '').replace(/\.js$/, '').split('/')) {
    if (part === '' || part === 'operations') continue
    found = found === undefined || found === null ? undefined : found[part]
  }
  return found
}

const LIBRARY = '@jscad/modeling'

const requireModule = (name) => {
  if (name === LIBRARY) return jscad
  if (name === 'vitrine') return vitrine.api
  if (typeof name === 'string' && name.startsWith(LIBRARY + '/')) {
    const found = subModule(name.slice(LIBRARY.length + 1))
    if (found !== undefined) return found
  }
  throw new Error(`Cannot find module '${name}': a model is one file, and may require only '${LIBRARY}' and 'vitrine'`)
}

/* What `import x from` means for a CommonJS module. */
const defaultOf = (module) => module !== null && module !== undefined && module.__esModule && 'default' in module ? module.default : module

/* Runs the model's script, which the host has wrapped in a function. */
const load = (script) => {
  const module = { exports: {} }
  const globals = script(module, module.exports, requireModule, defaultOf)
  let exported = module.exports
  if (typeof exported === 'function') exported = { main: exported, ...exported }
  if (exported === null || typeof exported !== 'object') exported = {}
  if (exported.main === undefined && exported.default !== undefined && exported.default !== null) {
    exported = typeof exported.default === 'function' ? { ...exported, main: exported.default } : { ...exported.default, ...exported }
  }
  const bare = {}
  for (const name of ['main', 'getParameterDefinitions', 'vitrine']) {
    const value = exported[name] === undefined ? globals[name] : exported[name]
    if (value !== undefined) bare[name] = value
  }
  state.exports = { ...exported, ...bare }
  state.model = normalise(state.exports)
  vitrine.setMaterials(state.model.materials)
}

const describe = async () => {
  const { getParameterDefinitions } = state.exports
  const definitions = typeof getParameterDefinitions === 'function' ? await getParameterDefinitions() : []
  const { title, description, parameters, outputs, exports } = state.model
  const plain = ({ run, ...rest }) => rest
  return stringify({
    title,
    description,
    definitions,
    parameters,
    outputs: outputs.map(plain),
    exports: exports === undefined ? undefined : exports.map(plain)
  })
}

/* Sets the values for all that is computed next. */
const prepare = (json) => {
  state.values = parse(json)
  state.results = new Map()
}

const visible = (names) => {
  if (names === undefined) return { ...state.values }
  const seen = {}
  for (const name of names) seen[name] = state.values[name]
  return seen
}

const contextFor = (item) => ({
  ...vitrine.api,
  geometry: (name) => {
    const other = state.model.outputs.find((output) => output.name === name && output.kind === 'geometry')
    if (other === undefined) throw new Error(`ctx.geometry: there is no geometry output '${name}'`)
    if (item.parameters !== undefined) {
      const extra = other.parameters === undefined ? undefined : other.parameters.find((p) => !item.parameters.includes(p))
      if (other.parameters === undefined || extra !== undefined) {
        throw new Error(`ctx.geometry: '${name}' sees parameters that '${item.name}' does not; add them to the 'parameters' of '${item.name}'`)
      }
    }
    return resultOf(other)
  }
})

const resultOf = (item) => {
  if (!state.results.has(item)) state.results.set(item, item.run(visible(item.parameters), contextFor(item)))
  return state.results.get(item)
}

const find = (list, name) => {
  const item = list === undefined ? undefined : list.find((candidate) => candidate.name === name)
  if (item === undefined) throw new Error(`the model has no output or export '${name}'`)
  return item
}

// Nested deeper, an array of shapes is a mistake or an attack.
const NESTING_MAX = 64

const SOLID = 0
const FLAT = 1
const PATH = 2
const POLYGONS = 3

// Characters of a name that a shape carries into files.
const NAME_MAX = 200

const nameOf = (object) => typeof object.name === 'string' ? object.name.slice(0, NAME_MAX) : ''

const shapeItem = (object) => {
  if (geom3.isA(object)) {
    if (!native.isNative(object)) {
      // Shapes that are not closed can be shown, though nothing can be cut from them.
      try {
        return [SOLID, native.operand(object), nameOf(object)]
      } catch (error) {
        if (!host.isOpen(error)) throw error
        geom3.toPolygons(object)
        return [POLYGONS, ...native.flatPolygons(object.polygons), native.paintOf(object)]
      }
    }
    return [SOLID, native.operand(object), nameOf(object)]
  }
  if (geom2.isA(object)) return [FLAT, native.flatSides(geom2.toSides(object)), native.paintOf(object)]
  if (path2.isA(object)) {
    const flat = []
    path2.toPoints(object).forEach((point) => flat.push(point[0], point[1]))
    return [PATH, flat, native.paintOf(object), object.isClosed === true]
  }
  throw new Error('a geometry function must return shapes of @jscad/modeling, or arrays of them')
}

const collect = (value, items, depth) => {
  if (value === undefined || value === null) return items
  if (!isArray(value)) {
    items.push(shapeItem(value))
    return items
  }
  if (depth > NESTING_MAX) throw new Error(`shapes are nested deeper than ${NESTING_MAX} arrays`)
  for (let i = 0; i < value.length; i++) collect(value[i], items, depth + 1)
  return items
}

/* The shapes of an output, for the host. */
const shapes = async (name) => collect(await resultOf(find(state.model.outputs, name)), [], 0)

/* The shapes of an export: those of its outputs, or its own. */
const exportShapes = async (name) => {
  const item = find(state.model.exports, name)
  if (item.run !== undefined) return collect(await resultOf(item), [], 0)
  const items = []
  for (const source of item.sources) collect(await resultOf(find(state.model.outputs, source)), items, 0)
  return items
}

const finiteOnly = (key, value) => {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`'${key}' is ${value}, which JSON cannot hold`)
  return value
}

/* The JSON text of a data output. */
const data = async (name) => {
  const text = stringify(await resultOf(find(state.model.outputs, name)), finiteOnly)
  if (text === undefined) throw new Error(`the data output '${name}' returned nothing; return an object, a number, a text or null`)
  return text
}

module.exports = { load, describe, prepare, shapes, exportShapes, data }
