// A bracket of two plates with 172 holes and pockets.
const { booleans, primitives, transforms } = require('@jscad/modeling')

const getParameterDefinitions = () => [{ name: 'size', type: 'float', initial: 200, min: 150, max: 300, step: 0.001 }]

function main({ size }) {
  const plates = booleans.union(
    primitives.cuboid({ size: [size, 120, 8] }),
    primitives.cuboid({ size: [size, 8, 80], center: [0, 56, 36] })
  )
  const cuts = []
  const pitch = size / 17
  for (let column = 0; column < 16; column++) {
    const x = (column - 7.5) * pitch
    for (let row = 0; row < 8; row++) cuts.push(primitives.cylinder({ radius: 2.5, height: 20, segments: 32, center: [x, row * 12 - 50, 0] }))
    for (let row = 0; row < 2; row++) {
      cuts.push(transforms.translate([x, 56, 24 + row * 18], transforms.rotateX(Math.PI / 2, primitives.cylinder({ radius: 3, height: 20, segments: 32 }))))
    }
  }
  for (let pocket = 0; pocket < 12; pocket++) cuts.push(primitives.cuboid({ size: [pitch * 0.8, 4, 6], center: [(pocket - 5.5) * pitch * 1.3, 45, 4] }))
  return booleans.subtract(plates, ...cuts)
}

module.exports = { main, getParameterDefinitions }
