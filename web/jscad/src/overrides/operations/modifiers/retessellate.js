const { isNative } = require('vitrine:native')

const stock = require('./retessellate.js?stock')

module.exports = (geometry) => isNative(geometry) ? geometry : stock(geometry)
