const { bounded } = require('vitrine:native')

const stock = require('./offsetFromPoints.js?stock')

module.exports = (options, ...rest) => {
  bounded('offset', options, 'segments')
  return stock(options, ...rest)
}
