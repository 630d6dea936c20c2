const { isNative } = require('vitrine:native')

const stock = require('./isA.js?stock')

const isA = (object) => isNative(object) || stock(object)

module.exports = isA
