const { host, polygonsOf } = require('vitrine:native')

module.exports = (uniquePoints) => {
  const flat = []
  uniquePoints.forEach((point) => flat.push(point[0], point[1], point[2]))
  return polygonsOf(host.hullPoints(flat))
}
