const { bounded } = require('vitrine:native')

const stock = require('./star.js?stock')

module.exports = (options, ...rest) => {
  bounded('star', options, 'vertices')
  return stock(options, ...rest)
}
