const { EPS, TAU } = require('../maths/constants')
const mat4 = require('../maths/mat4')

const { sin, cos } = require('../maths/utils/trigonometry')

const { isGT, isGTE, isNumberArray } = require('./commonChecks')

const { host, flatSides, wrap } = require('vitrine:native')

const stock = require('./cylinderElliptic.js?stock')

// Full cylinders of radius and height 1 by number of segments: every straight cylinder is one of them, stretched and moved.
const rods = new Map()

const disc = (slices, startAngle, rotation, radius) => {
  const points = rotation < TAU ? [[0, 0]] : []
  const last = rotation < TAU ? slices : slices - 1
  for (let i = 0; i <= last; i++) {
    const angle = i / slices * rotation + startAngle
    points.push([radius[0] * cos(angle), radius[1] * sin(angle)])
  }
  return flatSides(points.map((point, i) => [point, points[(i + 1) % points.length]]))
}

const rod = (slices) => {
  const known = rods.get(slices)
  if (known !== undefined) return known
  const solid = host.extrude(disc(slices, 0, TAU, [1, 1]), true, [1, 1, 0, 1, 1])
  rods.set(slices, solid)
  return solid
}

const check = ({ center, height, startRadius, startAngle, endRadius, endAngle, segments }) => {
  if (!isNumberArray(center, 3)) throw new Error('center must be an array of X, Y and Z values')
  if (!isGT(height, 0)) throw new Error('height must be greater then zero')
  if (!isNumberArray(startRadius, 2)) throw new Error('startRadius must be an array of X and Y values')
  if (!startRadius.every((n) => n >= 0)) throw new Error('startRadius values must be positive')
  if (!isNumberArray(endRadius, 2)) throw new Error('endRadius must be an array of X and Y values')
  if (!endRadius.every((n) => n >= 0)) throw new Error('endRadius values must be positive')
  if (endRadius.every((n) => n === 0) && startRadius.every((n) => n === 0)) throw new Error('at least one radius must be positive')
  if (!isGTE(startAngle, 0)) throw new Error('startAngle must be positive')
  if (!isGTE(endAngle, 0)) throw new Error('endAngle must be positive')
  if (!isGTE(segments, 4)) throw new Error('segments must be four or more')
}

module.exports = (options) => {
  const defaults = {
    center: [0, 0, 0],
    height: 2,
    startRadius: [1, 1],
    startAngle: 0,
    endRadius: [1, 1],
    endAngle: TAU,
    segments: 32
  }
  const all = Object.assign({}, defaults, options)
  check(all)
  const { center, height, startRadius, endRadius, segments } = all
  const startAngle = all.startAngle % TAU
  const endAngle = all.endAngle % TAU
  let rotation = TAU
  if (startAngle < endAngle) rotation = endAngle - startAngle
  if (startAngle > endAngle) rotation = endAngle + (TAU - startAngle)
  const slices = Math.floor(host.segments('cylinder', segments) * (rotation / TAU))
  const least = Math.min(...startRadius, ...endRadius)
  if (rotation * least < EPS && least > 0) throw new Error('startAngle and endAngle do not define a significant rotation')

  const straight = startRadius[0] === endRadius[0] && startRadius[1] === endRadius[1]
  if (straight && rotation === TAU && least > 0) {
    return wrap(rod(slices), mat4.fromValues(
      startRadius[0], 0, 0, 0, 0, startRadius[1], 0, 0, 0, 0, height, 0, center[0], center[1], center[2] - height / 2, 1))
  }
  // The kernel scales the top, so the bottom must not be a point or a line; a cone that stands on its tip is made upside down.
  const flipped = startRadius[0] === 0 || startRadius[1] === 0
  const [low, high] = flipped ? [endRadius, startRadius] : [startRadius, endRadius]
  const pointed = (high[0] === 0) !== (high[1] === 0)
  if (slices < 3 || low[0] === 0 || low[1] === 0 || pointed) return stock(options)
  const solid = host.extrude(disc(slices, startAngle, rotation, low), true, [height, 1, 0, high[0] / low[0], high[1] / low[1]])
  const up = flipped ? -1 : 1
  return wrap(solid, mat4.fromValues(
    1, 0, 0, 0, 0, 1, 0, 0, 0, 0, up, 0, center[0], center[1], center[2] - up * height / 2, 1))
}
