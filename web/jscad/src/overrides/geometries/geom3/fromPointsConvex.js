const { host, wrap } = require('vitrine:native')

const fromPointsConvex = (uniquePoints) => {
  if (!Array.isArray(uniquePoints)) throw new Error('the given points must be an array')
  const flat = []
  uniquePoints.forEach((point) => flat.push(point[0], point[1], point[2]))
  return wrap(host.hullPoints(flat))
}

module.exports = fromPointsConvex
