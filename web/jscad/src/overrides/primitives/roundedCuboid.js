const { EPS, TAU } = require('../maths/constants')

const geom3 = require('../geometries/geom3')

const { sin, cos } = require('../maths/utils/trigonometry')

const { isGTE, isNumberArray } = require('./commonChecks')
const cuboid = require('./cuboid')

const { host, wrapAt } = require('vitrine:native')

// Points of one eighth of a ball, in rows that get shorter towards the pole.
const corner = (radius, quarter) => {
  const points = []
  for (let row = 0; row <= quarter; row++) {
    const pitch = TAU / 4 * row / quarter
    const rest = quarter - row
    for (let i = 0; i <= rest; i++) {
      const angle = rest > 0 ? TAU / 4 * i / rest : 0
      const flat = row === quarter ? 0 : radius * cos(pitch)
      points.push([flat * cos(angle), flat * sin(angle), radius * sin(pitch)])
    }
  }
  return points
}

module.exports = (options) => {
  const defaults = {
    center: [0, 0, 0],
    size: [2, 2, 2],
    roundRadius: 0.2,
    segments: 32
  }
  const { center, size, roundRadius, segments } = Object.assign({}, defaults, options)
  if (!isNumberArray(center, 3)) throw new Error('center must be an array of X, Y and Z values')
  if (!isNumberArray(size, 3)) throw new Error('size must be an array of X, Y and Z values')
  if (!size.every((n) => n >= 0)) throw new Error('size values must be positive')
  if (!isGTE(roundRadius, 0)) throw new Error('roundRadius must be positive')
  if (!isGTE(segments, 4)) throw new Error('segments must be four or more')
  if (size[0] === 0 || size[1] === 0 || size[2] === 0) return geom3.create()
  if (roundRadius === 0) return cuboid({ center, size })
  const half = size.map((n) => n / 2)
  if (half.some((n) => roundRadius > n - EPS)) throw new Error('roundRadius must be smaller than the radius of all dimensions')

  const quarter = host.segments('roundedCuboid', Math.floor(segments / 4))
  const flat = []
  for (const point of corner(roundRadius, quarter)) {
    const [x, y, z] = point.map((n, i) => half[i] - roundRadius + n)
    flat.push(x, y, z, -x, y, z, x, -y, z, -x, -y, z, x, y, -z, -x, y, -z, x, -y, -z, -x, -y, -z)
  }
  return wrapAt(host.hullPoints(flat), center)
}
