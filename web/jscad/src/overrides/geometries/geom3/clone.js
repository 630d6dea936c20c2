module.exports = require('vitrine:native').copy
