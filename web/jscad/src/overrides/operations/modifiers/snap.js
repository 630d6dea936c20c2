const flatten = require('../../utils/flatten')

const { isNative, copy } = require('vitrine:native')

const stock = require('./snap.js?stock')

// Native solids are welded already.
module.exports = (...geometries) => {
  geometries = flatten(geometries)
  if (geometries.length === 0) throw new Error('wrong number of arguments')
  const results = geometries.map((geometry) => isNative(geometry) ? copy(geometry) : stock(geometry))
  return results.length === 1 ? results[0] : results
}
