const { bounded } = require('vitrine:native')

const stock = require('./roundedRectangle.js?stock')

module.exports = (options, ...rest) => {
  bounded('roundedRectangle', options, 'segments')
  return stock(options, ...rest)
}
