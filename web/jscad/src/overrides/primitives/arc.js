const { bounded } = require('vitrine:native')

const stock = require('./arc.js?stock')

module.exports = (options, ...rest) => {
  bounded('arc', options, 'segments')
  return stock(options, ...rest)
}
