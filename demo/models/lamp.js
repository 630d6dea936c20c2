const { primitives, booleans } = require('@jscad/modeling')
const getParameterDefinitions = () => [
  { name: 'width', caption: 'Width', type: 'slider', initial: 400, min: 200, max: 1200, step: 10 },
  { name: 'bore', caption: 'Bore', type: 'float', initial: 20, min: 5, max: 40 }
]
const main = (p) => booleans.subtract(
  primitives.cuboid({ size: [p.width, 200, 100], center: [0, 0, 50] }),
  primitives.cylinder({ radius: p.bore, height: 300, segments: 64 }))
module.exports = { main, getParameterDefinitions }
