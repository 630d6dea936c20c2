const { bounded } = require('vitrine:native')

const stock = require('./ellipse.js?stock')

module.exports = (options, ...rest) => {
  bounded('circle', options, 'segments')
  return stock(options, ...rest)
}
