const flatten = require('../utils/flatten')

const geom2 = require('../geometries/geom2')
const geom3 = require('../geometries/geom3')
const path2 = require('../geometries/path2')
const poly3 = require('../geometries/poly3')

const kinds = [geom2, geom3, path2, poly3]

module.exports = (color, ...objects) => {
  if (!Array.isArray(color)) throw new Error('color must be an array')
  if (color.length < 3) throw new Error('color must contain R, G and B values')
  if (color.length === 3) color = [color[0], color[1], color[2], 1.0] // add alpha

  objects = flatten(objects)
  if (objects.length === 0) throw new Error('wrong number of arguments')

  const results = objects.map((object) => {
    const kind = kinds.find((candidate) => candidate.isA(object))
    const painted = kind === undefined ? object : kind.clone(object)
    painted.color = color
    delete painted.material
    return painted
  })
  return results.length === 1 ? results[0] : results
}
