const { host, placed, wrap, colorLike } = require('vitrine:native')

module.exports = (options, geometry) => {
  const defaults = {
    delta: 1,
    corners: 'round',
    segments: 12
  }
  const { delta, corners, segments } = Object.assign({ }, defaults, options)
  if (corners !== 'round') throw new Error('corners must be "round" for 3D geometries')
  return colorLike(wrap(host.expand(placed(geometry), delta, segments)), geometry)
}
