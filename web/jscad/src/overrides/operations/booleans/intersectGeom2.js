const flatten = require('../../utils/flatten')

const geom2 = require('../../geometries/geom2')

const { host, flatSides, sidesOf, colorLike, INTERSECT } = require('vitrine:native')

module.exports = (...geometries) => {
  geometries = flatten(geometries)
  const flat = host.boolean2(INTERSECT, geometries.map((geometry) => flatSides(geom2.toSides(geometry))))
  return colorLike(geom2.create(sidesOf(flat)), geometries[0])
}
