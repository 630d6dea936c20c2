const { bounded } = require('vitrine:native')

const stock = require('./appendBezier.js?stock')

module.exports = (options, ...rest) => {
  bounded('path2.appendBezier', options, 'segments')
  return stock(options, ...rest)
}
