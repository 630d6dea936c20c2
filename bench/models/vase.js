// A twisted vase: a star with many steps, and a smaller one taken out of it.
const { booleans, extrusions, primitives, transforms } = require('@jscad/modeling')

const getParameterDefinitions = () => [{ name: 'size', type: 'float', initial: 40, min: 30, max: 60, step: 0.001 }]

const lobes = (radius) =>
  primitives.polygon({
    points: Array.from({ length: 96 }, (_, at) => {
      const angle = (at * 2 * Math.PI) / 96
      const out = radius * (1 + 0.15 * Math.cos(angle * 8))
      return [out * Math.cos(angle), out * Math.sin(angle)]
    })
  })

function main({ size }) {
  const twisted = (radius) => extrusions.extrudeLinear({ height: 120, twistAngle: Math.PI / 2, twistSteps: 110 }, lobes(radius))
  return booleans.subtract(twisted(size), transforms.translate([0, 0, 3], twisted(size - 3)))
}

module.exports = { main, getParameterDefinitions }
