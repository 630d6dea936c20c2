const flatten = require('../../utils/flatten')

const { host, placed, wrap, colorLike } = require('vitrine:native')

module.exports = (...geometries) => {
  geometries = flatten(geometries)
  return colorLike(wrap(host.hull(geometries.map(placed))), geometries[0])
}
