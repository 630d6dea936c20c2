// A Menger sponge of three levels: a cube with all its square holes taken out.
const { booleans, primitives } = require('@jscad/modeling')

const getParameterDefinitions = () => [{ name: 'size', type: 'float', initial: 81, min: 60, max: 120, step: 0.001 }]

function main({ size }) {
  const holes = []
  for (let level = 1; level <= 3; level++) {
    const count = 3 ** (level - 1)
    const side = size / 3 ** level
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) {
        const at = (n) => (n - (count - 1) / 2) * side * 3
        holes.push(primitives.cuboid({ size: [side, side, size * 1.1], center: [at(i), at(j), 0] }))
        holes.push(primitives.cuboid({ size: [side, size * 1.1, side], center: [at(i), 0, at(j)] }))
        holes.push(primitives.cuboid({ size: [size * 1.1, side, side], center: [0, at(i), at(j)] }))
      }
    }
  }
  return booleans.subtract(primitives.cuboid({ size: [size, size, size] }), ...holes)
}

module.exports = { main, getParameterDefinitions }
