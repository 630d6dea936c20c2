//! Small models of the tests.

/// A cube with a price: one output that sees the size alone, one that sees both parameters.
pub(crate) const CUBE: &str = r"
const { primitives } = require('@jscad/modeling')
const getParameterDefinitions = () => [
  { name: 'size', caption: 'Edge length', type: 'slider', initial: 40, min: 10, max: 100, step: 1 },
  { name: 'wood', caption: 'Wood', type: 'choice', values: ['oak', 'ash'], captions: ['Oak', 'Ash'], initial: 'oak' }
]
const main = (p) => primitives.cuboid({ size: [p.size, p.size, p.size] })
module.exports = {
  main,
  getParameterDefinitions,
  vitrine: {
    outputs: {
      model: { title: 'Cube', geometry: main, parameters: ['size'] },
      price: { title: 'Price', data: (p) => ({ amount: p.size * 2, currency: 'EUR', wood: p.wood }) }
    },
    exports: { stl: { title: 'STL for printing', format: 'stl' }, glb: 'glb' }
  }
}
";

/// A model whose default values are quick and whose others take seconds.
pub(crate) const SLOW: &str = r"
const { primitives } = require('@jscad/modeling')
const getParameterDefinitions = () => [
  { name: 'rounds', type: 'int', initial: 0, min: 0, max: 1000000 }
]
const main = (p) => {
  let sum = 0
  for (let i = 0; i < p.rounds * 1000; i++) sum = (sum + i) % 7
  return primitives.cuboid({ size: [1, 1, 1 + sum] })
}
module.exports = { main, getParameterDefinitions }
";

/// A model of data alone: five texts, each as long as its parameter says.
pub(crate) const TALKATIVE: &str = r"
const names = ['a', 'b', 'c', 'd', 'e']
const getParameterDefinitions = () =>
  names.map((name) => ({ name, type: 'int', initial: 1, min: 0, max: 300000 }))
const outputs = {}
for (const name of names) outputs[name] = { data: (p) => 'x'.repeat(p[name]), parameters: [name] }
module.exports = { getParameterDefinitions, vitrine: { outputs } }
";

/// A model whose words are not fit for a terminal.
pub(crate) const MUTTERING: &str = r"
const { primitives } = require('@jscad/modeling')
const getParameterDefinitions = () => [{ name: 'loud', type: 'int', initial: 0, min: 0, max: 1 }]
const main = (p) => {
  if (p.loud) throw new Error('a\0b\u001b[31mred')
  return primitives.cuboid({ size: [1, 1, 1] })
}
module.exports = { main, getParameterDefinitions }
";

/// A model that never works.
pub(crate) const BROKEN: &str = r"
const main = () => { throw new Error('the drill is blunt') }
module.exports = { main }
";

/// A model that works until somebody asks for 13.
pub(crate) const SUPERSTITIOUS: &str = r"
const { primitives } = require('@jscad/modeling')
const getParameterDefinitions = () => [{ name: 'floor', type: 'int', initial: 1, min: 0, max: 20 }]
const main = (p) => {
  if (p.floor === 13) throw new Error('there is no such floor')
  return primitives.cuboid({ size: [10, 10, 10 + p.floor] })
}
module.exports = { main, getParameterDefinitions }
";
