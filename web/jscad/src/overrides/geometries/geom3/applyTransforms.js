const native = require('vitrine:native')

const stock = require('./applyTransforms.js?stock')

const applyTransforms = (geometry) => native.isNative(geometry) ? native.applyTransforms(geometry) : stock(geometry)

module.exports = applyTransforms
