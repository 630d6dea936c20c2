// A spur gear: a disc, teeth, a bore with a key way, and holes that make it light.
const { booleans, extrusions, primitives, transforms } = require('@jscad/modeling')

const getParameterDefinitions = () => [{ name: 'size', type: 'float', initial: 40, min: 30, max: 60, step: 0.001 }]

function main({ size }) {
  const teeth = 36
  const tooth = extrusions.extrudeLinear({ height: 10 }, primitives.polygon({ points: [[0, -1.9], [2.6, -1.5], [4.4, -0.7], [4.4, 0.7], [2.6, 1.5], [0, 1.9]] }))
  const ring = Array.from({ length: teeth }, (_, at) =>
    transforms.rotateZ((at * 2 * Math.PI) / teeth, transforms.translate([size - 0.4, 0, 0], tooth)))
  const body = booleans.union(primitives.cylinder({ radius: size, height: 10, segments: 144, center: [0, 0, 5] }), ...ring)
  const holes = Array.from({ length: 6 }, (_, at) =>
    transforms.rotateZ((at * Math.PI) / 3, primitives.cylinder({ radius: size / 6, height: 30, segments: 48, center: [size * 0.6, 0, 5] })))
  return booleans.subtract(
    body,
    primitives.cylinder({ radius: 8, height: 30, segments: 64, center: [0, 0, 5] }),
    primitives.cuboid({ size: [6, 4, 30], center: [8, 0, 5] }),
    ...holes
  )
}

module.exports = { main, getParameterDefinitions }
