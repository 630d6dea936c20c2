const { host, operand, wrap } = require('vitrine:native')

module.exports = (geometry) => host.decompose(operand(geometry)).map((solid) => wrap(solid))
