const flatten = require('../../utils/flatten')

const geom2 = require('../../geometries/geom2')

const { host, sidesOf, colorLike } = require('vitrine:native')

module.exports = (...geometries) => {
  geometries = flatten(geometries)
  const flat = []
  geometries.forEach((geometry) => geom2.toSides(geometry).forEach((side) => flat.push(side[0][0], side[0][1])))
  return colorLike(geom2.create(sidesOf(host.hull2(flat))), geometries[0])
}
