const flatten = require('../../utils/flatten')

const geom3 = require('../../geometries/geom3')

const { host, placed, wrap, colorLike } = require('vitrine:native')

module.exports = (...geometries) => {
  geometries = flatten(geometries)
  if (geometries.length !== 2) throw new Error('minkowskiSum requires exactly two geometries')
  if (!geometries.every(geom3.isA)) throw new Error('minkowskiSum requires geom3 geometries')
  return colorLike(wrap(host.minkowski(placed(geometries[0]), placed(geometries[1]))), geometries[0])
}
