const flatten = require('../../utils/flatten')

const aboutEqualNormals = require('../../maths/utils/aboutEqualNormals')
const plane = require('../../maths/plane')
const mat4 = require('../../maths/mat4')

const geom2 = require('../../geometries/geom2')
const geom3 = require('../../geometries/geom3')

const { host, placed, sidesOf, colorLike } = require('vitrine:native')

const projectGeom3 = (options, geometry) => {
  const projplane = plane.fromNormalAndPoint(plane.create(), options.axis, options.origin)
  if (!projplane.every(Number.isFinite)) throw new Error('project: invalid axis or origin')
  let turned = geometry
  if (!aboutEqualNormals(projplane, [0, 0, 1])) {
    turned = geom3.transform(mat4.fromVectorRotation(mat4.create(), projplane, [0, 0, 1]), geometry)
  }
  return colorLike(geom2.create(sidesOf(host.project(placed(turned)))), geometry)
}

module.exports = (options, ...objects) => {
  const { axis, origin } = Object.assign({ axis: [0, 0, 1], origin: [0, 0, 0] }, options)
  objects = flatten(objects)
  if (objects.length === 0) throw new Error('wrong number of arguments')
  const results = objects.map((object) => geom3.isA(object) ? projectGeom3({ axis, origin }, object) : object)
  return results.length === 1 ? results[0] : results
}
