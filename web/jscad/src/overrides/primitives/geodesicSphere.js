const { sized } = require('vitrine:native')

const stock = require('./geodesicSphere.js?stock')

module.exports = (options) => {
  // Twenty faces, each cut into as many triangles as the square of its parts.
  sized('geodesicSphere', options, 'frequency', (frequency) => 20 * (frequency / 6) ** 2)
  return stock(options)
}
