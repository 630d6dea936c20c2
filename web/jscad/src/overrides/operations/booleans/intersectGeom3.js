const flatten = require('../../utils/flatten')

const { boolean3, INTERSECT } = require('vitrine:native')

module.exports = (...geometries) => boolean3(INTERSECT, flatten(geometries))
