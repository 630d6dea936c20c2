const { TAU } = require('../maths/constants')
const mat4 = require('../maths/mat4')
const vec3 = require('../maths/vec3')

const geom3 = require('../geometries/geom3')

const { sin, cos } = require('../maths/utils/trigonometry')

const { isGTE, isNumberArray } = require('./commonChecks')

const { host, flatSides, wrap } = require('vitrine:native')

// Balls of radius 1 by number of segments: every ellipsoid is one of them, stretched and moved.
const balls = new Map()

const ball = (segments) => {
  const known = balls.get(segments)
  if (known !== undefined) return known
  const quarter = Math.round(segments / 4)
  const points = []
  for (let i = -quarter; i <= quarter; i++) {
    const pitch = TAU / 4 * i / quarter
    points.push([Math.abs(i) === quarter ? 0 : cos(pitch), sin(pitch)])
  }
  const sides = points.map((point, i) => [point, points[(i + 1) % points.length]])
  const solid = host.revolve(flatSides(sides), true, segments, 360)
  balls.set(segments, solid)
  return solid
}

module.exports = (options) => {
  const defaults = {
    center: [0, 0, 0],
    radius: [1, 1, 1],
    segments: 32,
    axes: [[1, 0, 0], [0, -1, 0], [0, 0, 1]]
  }
  const { center, radius, segments, axes } = Object.assign({}, defaults, options)
  if (!isNumberArray(center, 3)) throw new Error('center must be an array of X, Y and Z values')
  if (!isNumberArray(radius, 3)) throw new Error('radius must be an array of X, Y and Z values')
  if (!radius.every((n) => n >= 0)) throw new Error('radius values must be positive')
  if (!isGTE(segments, 4)) throw new Error('segments must be four or more')
  if (radius[0] === 0 || radius[1] === 0 || radius[2] === 0) return geom3.create()

  const x = vec3.scale(vec3.create(), vec3.normalize(vec3.create(), axes[0]), radius[0])
  const y = vec3.scale(vec3.create(), vec3.normalize(vec3.create(), axes[1]), -radius[1])
  const z = vec3.scale(vec3.create(), vec3.normalize(vec3.create(), axes[2]), radius[2])
  return wrap(ball(host.segments('sphere', segments)), mat4.fromValues(
    x[0], x[1], x[2], 0, y[0], y[1], y[2], 0, z[0], z[1], z[2], 0, center[0], center[1], center[2], 1))
}
