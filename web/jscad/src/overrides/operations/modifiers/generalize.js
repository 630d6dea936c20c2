const flatten = require('../../utils/flatten')

const { isNative, copy } = require('vitrine:native')

const stock = require('./generalize.js?stock')

// Native solids are triangulated, welded and free of T-junctions already.
module.exports = (options, ...geometries) => {
  geometries = flatten(geometries)
  if (geometries.length === 0) throw new Error('wrong number of arguments')
  const results = geometries.map((geometry) => isNative(geometry) ? copy(geometry) : stock(options, geometry))
  return results.length === 1 ? results[0] : results
}
