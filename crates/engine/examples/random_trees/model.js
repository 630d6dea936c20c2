// Builds the tree of booleans that its parameter says. The forms of nodes are listed in tree.rs.

const { primitives, booleans, transforms, hulls, extrusions, geometries, maths, measurements } = require('@jscad/modeling')

const TURN = Math.PI / 180

const build = (node) => {
  if (node.box) return primitives.cuboid({ size: node.box })
  if (node.rod) return primitives.cylinder({ radius: node.rod[0], height: node.rod[1], segments: node.rod[2] })
  if (node.cone) {
    const [low, high, height, segments] = node.cone
    return primitives.cylinderElliptic({ startRadius: [low, low], endRadius: [high, high], height, segments })
  }
  if (node.ball) return primitives.sphere({ radius: node.ball[0], segments: node.ball[1] })
  if (node.ring) {
    const [innerRadius, outerRadius, innerSegments, outerSegments] = node.ring
    return primitives.torus({ innerRadius, outerRadius, innerSegments, outerSegments })
  }
  if (node.plate) {
    const { height, twist, steps } = node
    return extrusions.extrudeLinear({ height, twistAngle: twist * TURN, twistSteps: steps }, geometries.geom2.fromPoints(node.plate))
  }
  if (node.of) {
    // `scale` takes no negative factors, and these mirror.
    const sized = transforms.transform(maths.mat4.fromScaling(maths.mat4.create(), node.size), build(node.of))
    return transforms.translate(node.move, transforms.rotate(node.turn.map((degrees) => degrees * TURN), sized))
  }
  if (node.hull) return hulls.hull(node.hull.map(build))
  if (node.join) return booleans.union(node.join.map(build))
  if (node.cut) return booleans.subtract(node.cut.map(build))
  return booleans.intersect(node.meet.map(build))
}

const getParameterDefinitions = () => [
  { name: 'tree', type: 'text', initial: '{"box":[10,10,10]}', maxLength: 20000 }
]

const main = ({ tree }) => build(JSON.parse(tree))

module.exports = {
  main,
  getParameterDefinitions,
  vitrine: {
    data: { volume: (params) => measurements.measureVolume(main(params)) },
    exports: { stl: 'stl', mesh: '3mf', faceted: 'step' }
  }
}
