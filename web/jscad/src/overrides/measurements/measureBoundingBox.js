const flatten = require('../utils/flatten')

const { isNative, measured } = require('vitrine:native')

const stock = require('./measureBoundingBox.js?stock')

module.exports = (...geometries) => {
  geometries = flatten(geometries)
  if (geometries.length === 0) throw new Error('wrong number of arguments')
  const results = geometries.map((geometry) => isNative(geometry) ? measured(geometry).box : stock(geometry))
  return results.length === 1 ? results[0] : results
}
