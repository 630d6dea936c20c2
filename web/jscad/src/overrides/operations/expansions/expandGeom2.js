const geom2 = require('../../geometries/geom2')

const { host, flatSides, sidesOf, colorLike } = require('vitrine:native')

module.exports = (options, geometry) => {
  const defaults = {
    delta: 1,
    corners: 'edge',
    segments: 16
  }
  const { delta, corners, segments } = Object.assign({ }, defaults, options)
  if (!(corners === 'edge' || corners === 'chamfer' || corners === 'round')) {
    throw new Error('corners must be "edge", "chamfer", or "round"')
  }
  const flat = host.offset2(flatSides(geom2.toSides(geometry)), delta, corners, segments)
  return colorLike(geom2.create(sidesOf(flat)), geometry)
}
