const geom2 = require('../../geometries/geom2')
const mat4 = require('../../maths/mat4')

const { host, flatSides, wrap, colorLike } = require('vitrine:native')

const stock = require('./extrudeLinearGeom2.js?stock')

module.exports = (options, geometry) => {
  const defaults = {
    offset: [0, 0, 1],
    twistAngle: 0,
    twistSteps: 12
  }
  const { offset, twistAngle, twistSteps } = Object.assign({ }, defaults, options)
  if (twistSteps < 1) throw new Error('twistSteps must be 1 or more')
  const height = offset[2]
  if (offset[0] !== 0 || offset[1] !== 0 || height === 0) return colorLike(stock(options, geometry), geometry)
  const sides = geom2.toSides(geometry)
  if (sides.length === 0) throw new Error('the given geometry cannot be empty')
  const steps = twistAngle === 0 ? 1 : twistSteps
  const solid = host.extrude(flatSides(sides), false, [Math.abs(height), steps, twistAngle * 180 / Math.PI, 1, 1])
  const flip = height < 0 ? mat4.fromScaling(mat4.create(), [1, 1, -1]) : undefined
  return colorLike(wrap(solid, flip), geometry)
}
