const { TAU } = require('../../maths/constants')
const mat4 = require('../../maths/mat4')

const geom2 = require('../../geometries/geom2')

const { host, flatSides, wrap, colorLike } = require('vitrine:native')

// Points on the far side of the axis are moved onto it; a shape that lies mostly to the left is mirrored first.
const cap = (sides) => {
  const negative = sides.filter((side) => side[0][0] < 0).length
  if (negative === 0) return { sides, mirrored: false }
  const allNegative = negative === sides.length
  const sign = allNegative || negative > sides.length - negative ? -1 : 1
  const move = (point) => [Math.max(sign * point[0], 0), point[1]]
  const capped = sides.map((side) => sign < 0 ? [move(side[1]), move(side[0])] : [move(side[0]), move(side[1])])
  return { sides: capped, mirrored: allNegative }
}

module.exports = (options, geometry) => {
  const defaults = {
    segments: 12,
    startAngle: 0,
    angle: TAU,
    overflow: 'cap'
  }
  let { segments, startAngle, angle } = Object.assign({}, defaults, options)
  if (!(segments >= 3)) throw new Error('segments must be greater then 3')
  if (!Number.isFinite(startAngle) || !Number.isFinite(angle)) throw new Error('startAngle and angle must be finite numbers')

  startAngle = Math.abs(startAngle) > TAU ? startAngle % TAU : startAngle
  angle = Math.abs(angle) > TAU ? angle % TAU : angle
  let endAngle = startAngle + angle
  endAngle = Math.abs(endAngle) > TAU ? endAngle % TAU : endAngle
  if (endAngle < startAngle) [startAngle, endAngle] = [endAngle, startAngle]
  let rotation = endAngle - startAngle
  if (rotation <= 0) rotation = TAU
  if (rotation < TAU) {
    const perSegment = TAU / segments
    segments = Math.floor(rotation / perSegment)
    if (rotation > segments * perSegment) segments++
  }

  const shape = geom2.toSides(geometry)
  if (shape.length === 0) throw new Error('the given geometry cannot be empty')
  const { sides, mirrored } = cap(shape)
  const degrees = rotation >= TAU ? 360 : rotation * 180 / Math.PI
  const solid = host.revolve(flatSides(sides), false, segments, degrees)
  const turn = startAngle + (mirrored ? TAU / 2 : 0)
  const transforms = turn === 0 ? undefined : mat4.fromZRotation(mat4.create(), turn)
  return colorLike(wrap(solid, transforms), geometry)
}
