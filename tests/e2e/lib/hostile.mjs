// Models that mean harm, by what they try. Each is the body of a script's `main`; `expect` is what the server has to say of it.

/** The sentence of a limit: what was reached, where, what was spent, and how to raise it. */
const TIME = /time/i
/** The budget of memory, or on a busy machine the time that filling it takes. */
const MEMORY = /memory|time/i
const RECURSION = /recursion|stack/i

/** What a script may reach of JSCAD, changed in one go by a liar. */
const POLLUTE = `
  const liar = () => { throw new Error('polluted') }
  for (const kind of [Array, WeakMap, Map, Set, Object, Float64Array, Float32Array, Uint32Array, ArrayBuffer, Function, Promise, String, Number, RegExp, Symbol]) {
    for (const name of Reflect.ownKeys(kind.prototype)) {
      try { Object.defineProperty(kind.prototype, name, { value: liar, configurable: true, writable: true }) } catch (e) {}
    }
  }
  for (const host of [JSON, Math, Reflect]) for (const name of ['parse', 'stringify', 'max', 'apply', 'ownKeys']) { try { host[name] = liar } catch (e) {} }
`

/** @type {Record<string, {main: string, expect: RegExp, limit?: boolean}>} `limit` says that the run is ended, and its worker with it */
export const ATTACKS = {
  'an endless loop in JavaScript': { main: 'for (;;) {}', expect: TIME, limit: true },
  'an endless loop that catches its end': { main: 'for (;;) { try { for (;;) {} } catch (e) {} }', expect: TIME, limit: true },
  'a loop of 10^12 steps': { main: 'let sum = 0; for (let i = 0; i < 1e12; i++) sum += i; return sum', expect: TIME, limit: true },
  'an endless union inside the kernel': {
    main: `const parts = []
      for (let i = 0; i < 1600; i++) parts.push(transforms.translate([(i % 40) * 1.1, Math.floor(i / 40) * 1.1, 0], primitives.sphere({ segments: 100 })))
      return booleans.union(parts)`,
    expect: /time|memory|triangle/i,
  },
  'an array bomb': { main: 'const hog = []; for (;;) hog.push(new Array(1000).fill(1))', expect: MEMORY, limit: true },
  'a typed-array bomb': { main: 'const hog = []; for (;;) hog.push(new Uint8Array(1 << 20).fill(1))', expect: MEMORY, limit: true },
  'a bomb of text': { main: "const all = []; for (;;) all.push('x'.repeat(1e6) + all.length)", expect: MEMORY, limit: true },
  'recursion': { main: 'const f = () => f() + 1; return f()', expect: RECURSION },
  'recursion through a proxy': { main: 'const p = new Proxy({}, { get (t, k, r) { return r[k] } }); return p.x', expect: RECURSION },
  'a sphere of 10^9 segments': { main: 'return primitives.sphere({ segments: 1e9 })', expect: /segments/i },
  'an extrusion of 10^9 steps': { main: 'return extrusions.extrudeLinear({ height: 1, twistAngle: 1, twistSteps: 1e9 }, primitives.square())', expect: /segments/i },
  'geometry that holds itself': { main: 'const a = []; a.push(a); return a', expect: /./ },
  'geometry nested a hundred thousand deep': { main: 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a', expect: /./ },
  'a radius that is no number': { main: 'return primitives.sphere({ radius: NaN })', expect: /radius|number/i },
  'corners that are no numbers': { main: 'return geometries.geom3.fromPoints([[[NaN, 0, 0], [1, 0, 0], [0, 1, 0]]])', expect: /./ },
  'corners beyond all size': { main: 'return primitives.cuboid({ size: [1e300, 1, 1] })', expect: /./ },
  'prototypes of everything the host uses': { main: `${POLLUTE} return primitives.cuboid()`, expect: /./ },
  'a getter on every object': { main: "Object.defineProperty(Object.prototype, 'polygons', { get () { for (;;) {} }, configurable: true }); return {}", expect: /./ },
  'a file': { main: "return require('fs').readFileSync('/etc/passwd')", expect: /fs/ },
  'a file by the interpreter': { main: "return std.open('/etc/passwd', 'r')", expect: /std/ },
  'the network': { main: "return fetch('http://127.0.0.1/')", expect: /fetch/ },
  'a socket': { main: "return new WebSocket('ws://127.0.0.1/')", expect: /WebSocket/ },
  'a process': { main: "return require('child_process').execSync('id')", expect: /child_process/ },
  'a process by the interpreter': { main: "return os.exec(['id'])", expect: /os/ },
  'the environment': { main: "return new Function('return this')().process.env", expect: /./ },
  'a flood of text': { main: "for (;;) console.log('x'.repeat(1000))", expect: TIME, limit: true },
  'a flood of output': { main: "const many = []; for (let i = 0; i < 1e6; i++) many.push(primitives.cuboid({ center: [i, 0, 0] })); return many", expect: /./ },
  'a pattern that backtracks for ever': { main: "return /^(a+)+$/.test('a'.repeat(40) + 'b')", expect: TIME, limit: true },
  'microtasks without end': { main: 'return (async () => { for (;;) await null })()', expect: TIME, limit: true },
  'a call that cannot be interrupted': {
    main: "let shared = ['x']; for (let i = 0; i < 40; i++) shared = [shared, shared]; return JSON.stringify(shared)",
    expect: /time|memory/i,
    limit: true,
  },
}

/** One model that is honest when `attack` is 0 and otherwise makes the attack of that number; `seed` tells computations apart. */
export const HOSTILE_SOURCE = `const { primitives, booleans, transforms, hulls, extrusions, expansions, geometries } = require('@jscad/modeling')
function getParameterDefinitions() {
  return [
    { name: 'attack', type: 'int', initial: 0, min: 0, max: ${Object.keys(ATTACKS).length} },
    { name: 'seed', type: 'int', initial: 0, min: 0, max: 1000000000 },
  ]
}
const attacks = [
  () => primitives.cuboid(),
${Object.values(ATTACKS)
  .map(({ main }) => `  () => {\n${main}\n  },`)
  .join('\n')}
]
function main({ attack }) {
  return attacks[attack]()
}
module.exports = { main, getParameterDefinitions }
`
