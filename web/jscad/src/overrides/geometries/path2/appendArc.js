const { bounded } = require('vitrine:native')

const stock = require('./appendArc.js?stock')

module.exports = (options, ...rest) => {
  bounded('path2.appendArc', options, 'segments')
  return stock(options, ...rest)
}
