const geom3 = require('../geometries/geom3')

const { isNumberArray } = require('./commonChecks')

const { host, wrapAt } = require('vitrine:native')

module.exports = (options) => {
  const { center, size } = Object.assign({ center: [0, 0, 0], size: [2, 2, 2] }, options)
  if (!isNumberArray(center, 3)) throw new Error('center must be an array of X, Y and Z values')
  if (!isNumberArray(size, 3)) throw new Error('size must be an array of width, depth and height values')
  if (!size.every((n) => n >= 0)) throw new Error('size values must be positive')
  if (size[0] === 0 || size[1] === 0 || size[2] === 0) return geom3.create()
  return wrapAt(host.cuboid(size[0], size[1], size[2]), center)
}
