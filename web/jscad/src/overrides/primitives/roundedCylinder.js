const { EPS, TAU } = require('../maths/constants')
const mat4 = require('../maths/mat4')

const geom3 = require('../geometries/geom3')

const { sin, cos } = require('../maths/utils/trigonometry')

const { isGTE, isNumberArray } = require('./commonChecks')
const cylinder = require('./cylinder')

const { host, flatSides, wrap } = require('vitrine:native')

// The right half of the upright section, anticlockwise from the bottom: as in the library, each end is half an ellipsoid.
const profile = (height, radius, roundRadius, quarter) => {
  const points = []
  for (let i = 0; i <= quarter; i++) {
    const pitch = TAU / 4 * (1 - i / quarter)
    points.push([i === 0 ? 0 : radius * cos(pitch), roundRadius - height / 2 - roundRadius * sin(pitch)])
  }
  for (let i = quarter; i >= 0; i--) points.push([points[i][0], -points[i][1]])
  return flatSides(points.map((point, i) => [point, points[(i + 1) % points.length]]))
}

module.exports = (options) => {
  const defaults = {
    center: [0, 0, 0],
    height: 2,
    radius: 1,
    roundRadius: 0.2,
    segments: 32
  }
  const { center, height, radius, roundRadius, segments } = Object.assign({}, defaults, options)
  if (!isNumberArray(center, 3)) throw new Error('center must be an array of X, Y and Z values')
  if (!isGTE(height, 0)) throw new Error('height must be positive')
  if (!isGTE(radius, 0)) throw new Error('radius must be positive')
  if (!isGTE(roundRadius, 0)) throw new Error('roundRadius must be positive')
  if (roundRadius > radius) throw new Error('roundRadius must be smaller than the radius')
  if (!isGTE(segments, 4)) throw new Error('segments must be four or more')
  if (height === 0 || radius === 0) return geom3.create()
  if (roundRadius === 0) return cylinder({ center, height, radius })
  if ((2 * roundRadius) > (height - EPS)) throw new Error('height must be larger than twice roundRadius')

  const quarter = host.segments('roundedCylinder', Math.floor(0.25 * segments))
  const solid = host.revolve(profile(height, radius, roundRadius, quarter), true, segments, 360)
  // The library starts these at +Y.
  return wrap(solid, mat4.fromValues(0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, center[0], center[1], center[2], 1))
}
