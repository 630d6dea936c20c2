const mat4 = require('../../maths/mat4')

const { copy } = require('vitrine:native')

const transform = (matrix, geometry) => {
  const result = copy(geometry)
  result.transforms = mat4.multiply(mat4.create(), matrix, geometry.transforms)
  return result
}

module.exports = transform
