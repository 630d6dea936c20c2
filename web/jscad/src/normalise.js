// Reads what a module exports beside `main` into one shape: named outputs and exports, each with a function to run or a source.

const FORMATS = ['stl', '3mf', 'glb', 'obj', 'step', 'svg', 'dxf']

const OUTPUT_MEMBERS = ['title', 'geometry', 'data', 'parameters', 'order', 'group', 'tooltip', 'hidden']
const EXPORT_MEMBERS = ['title', 'format', 'geometry', 'parameters', 'order', 'group', 'tooltip', 'hidden']
const VITRINE_MEMBERS = ['title', 'description', 'parameters', 'materials', 'outputs', 'data', 'exports']

const fail = (message) => {
  const error = new Error(message)
  error.name = 'BadModel'
  throw error
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)

const member = (object, name) => {
  const value = object[name]
  if (value === undefined || value === null) return {}
  if (!isObject(value)) fail(`vitrine.${name} must be an object`)
  return value
}

const known = (object, allowed, where) => {
  const stranger = Object.keys(object).find((key) => !allowed.includes(key))
  if (stranger !== undefined) fail(`${where} has a member '${stranger}' that means nothing; it may have: ${allowed.join(', ')}`)
}

const parameterNames = (value, where) => {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.some((name) => typeof name !== 'string')) fail(`${where}.parameters must be a list of parameter names`)
  return [...new Set(value)]
}

const shared = (name, item, where) => ({
  name,
  title: item.title,
  parameters: parameterNames(item.parameters, where),
  order: item.order,
  group: item.group,
  tooltip: item.tooltip,
  hidden: item.hidden
})

const functionOf = (exported, value, where) => {
  if (typeof value === 'function') return value
  if (typeof value === 'string' && typeof exported[value] === 'function') return exported[value]
  return fail(`${where} must be a function (params, ctx) or the name of a function that the module exports`)
}

const outputOf = (exported, name, given) => {
  const where = `vitrine.outputs.${name}`
  const item = typeof given === 'function' ? { geometry: given } : given
  if (!isObject(item)) fail(`${where} must be a function or { geometry } or { data }`)
  known(item, OUTPUT_MEMBERS, where)
  if ((item.geometry === undefined) === (item.data === undefined)) fail(`${where} needs either geometry or data`)
  const kind = item.geometry === undefined ? 'data' : 'geometry'
  return { ...shared(name, item, where), kind, run: functionOf(exported, item[kind], `${where}.${kind}`) }
}

const outputsOf = (exported, extension) => {
  const outputs = Object.entries(member(extension, 'outputs')).map(([name, item]) => outputOf(exported, name, item))
  for (const [name, run] of Object.entries(member(extension, 'data'))) {
    if (outputs.some((output) => output.name === name)) fail(`'${name}' stands in both vitrine.outputs and vitrine.data`)
    outputs.push(outputOf(exported, name, isObject(run) ? run : { data: run }))
  }
  if (!outputs.some((output) => output.kind === 'geometry') && typeof exported.main === 'function') {
    if (outputs.some((output) => output.name === 'model')) fail("an output without geometry must not be called 'model': that is the output of main")
    outputs.unshift({ name: 'model', kind: 'geometry', run: exported.main })
  }
  if (outputs.length === 0) {
    fail('the script has no function main. Add `module.exports = { main }`, where main(params) returns shapes of @jscad/modeling')
  }
  return outputs
}

const exportOf = (outputs, name, given) => {
  const where = `vitrine.exports.${name}`
  const item = typeof given === 'string' ? { format: given } : given
  if (!isObject(item)) fail(`${where} must be a format or { format, geometry }`)
  known(item, EXPORT_MEMBERS, where)
  const format = typeof item.format === 'string' ? item.format.toLowerCase() : undefined
  if (!FORMATS.includes(format)) fail(`${where}.format must be one of ${FORMATS.join(', ')}`)
  const base = { ...shared(name, item, where), format }
  if (typeof item.geometry === 'function') return { ...base, run: item.geometry }

  const geometries = outputs.filter((output) => output.kind === 'geometry')
  const first = geometries.slice(0, 1).map((output) => output.name)
  const sources = item.geometry === undefined ? first : [item.geometry].flat()
  if (sources.length === 0) fail(`${where} needs geometry: the model has no geometry output`)
  const unknown = sources.find((source) => !geometries.some((output) => output.name === source))
  if (unknown !== undefined) fail(`${where}.geometry names '${unknown}', which is not a geometry output`)
  return { ...base, sources }
}

const PLAIN_EXPORTS = [['STL', 'stl'], ['3MF', '3mf'], ['GLB', 'glb'], ['SVG', 'svg'], ['DXF', 'dxf']]

/* Exports that a model has when it names none; the host keeps those that suit the result. */
const defaultExports = (outputs) => {
  const first = outputs.find((output) => output.kind === 'geometry')
  if (first === undefined) return []
  return PLAIN_EXPORTS.map(([name, format]) => ({ name, format, sources: [first.name], byDefault: true }))
}

module.exports = (exported) => {
  const extension = exported.vitrine === undefined ? {} : exported.vitrine
  if (!isObject(extension)) fail('vitrine must be an object')
  known(extension, VITRINE_MEMBERS, 'vitrine')
  const outputs = outputsOf(exported, extension)
  const exports = extension.exports === undefined
    ? defaultExports(outputs)
    : Object.entries(member(extension, 'exports')).map(([name, item]) => exportOf(outputs, name, item))
  return {
    title: extension.title,
    description: extension.description,
    parameters: member(extension, 'parameters'),
    materials: member(extension, 'materials'),
    outputs,
    exports
  }
}
