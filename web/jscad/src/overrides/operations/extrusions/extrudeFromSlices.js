const { sized } = require('vitrine:native')

const stock = require('./extrudeFromSlices.js?stock')

// The fewest corners that a slice has, for shapes that a callback makes.
const SIDES_MIN = 3

const sidesOf = (base) => {
  const sides = base === undefined || base === null ? undefined : base.sides || base.edges
  return Array.isArray(sides) ? Math.max(sides.length, SIDES_MIN) : SIDES_MIN
}

module.exports = (options, base) => {
  sized('extrudeFromSlices', options, 'numberOfSlices', (slices) => 2 * slices * sidesOf(base))
  return stock(options, base)
}
