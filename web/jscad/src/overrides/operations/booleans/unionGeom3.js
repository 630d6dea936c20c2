const flatten = require('../../utils/flatten')

const { boolean3, UNION } = require('vitrine:native')

module.exports = (...geometries) => boolean3(UNION, flatten(geometries))
