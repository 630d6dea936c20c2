const flatten = require('../../utils/flatten')

const { boolean3, SUBTRACT } = require('vitrine:native')

module.exports = (...geometries) => boolean3(SUBTRACT, flatten(geometries))
