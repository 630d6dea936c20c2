// Two hundred spheres along a spiral, joined to one.
const { booleans, primitives } = require('@jscad/modeling')

const getParameterDefinitions = () => [{ name: 'size', type: 'float', initial: 40, min: 30, max: 60, step: 0.001 }]

function main({ size }) {
  const spheres = Array.from({ length: 200 }, (_, at) => {
    const angle = at * 0.2
    return primitives.sphere({ radius: 8, segments: 32, center: [size * Math.cos(angle), size * Math.sin(angle), at * 0.9] })
  })
  return booleans.union(...spheres)
}

module.exports = { main, getParameterDefinitions }
