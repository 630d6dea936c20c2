// Bundles @jscad/modeling and our glue into one file that the engine evaluates: web/dist/jscad.js.
//
// Modules of the library hold references to each other, so replacing functions on its public objects would leave the slow ones in
// use. Every file under src/overrides therefore takes the place of the library's file of the same path while bundling; inside it,
// relative paths are the library's own, and a path that ends in `?stock` is the file that was replaced.
//
// Every run evaluates the bundle anew, and compiling all of the library would cost more than most models. So each module stays a
// text until it is required, and the library's index files require a function when it is first used.

import { transformSync } from 'esbuild'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const overrides = path.join(here, 'src', 'overrides')
const library = path.dirname(createRequire(import.meta.url).resolve('@jscad/modeling'))
const outfile = path.join(here, '..', 'dist', 'jscad.js')

const STOCK = '?stock'

const filesBelow = (folder) => readdirSync(folder).flatMap((name) => {
  const full = path.join(folder, name)
  return statSync(full).isDirectory() ? filesBelow(full) : [full]
})

for (const file of filesBelow(overrides)) {
  const replaced = path.join(library, path.relative(overrides, file))
  if (!existsSync(replaced)) throw new Error(`${file} replaces nothing: ${replaced} does not exist`)
}

const isFile = (file) => existsSync(file) && statSync(file).isFile()

/* The file that `request` means in the file `from`. */
const resolve = (from, request) => {
  if (request === 'vitrine:native') return path.join(here, 'src', 'native.js')
  if (request === '@jscad/modeling') return path.join(library, 'index.js')
  const stock = request.endsWith(STOCK)
  const plain = path.resolve(path.dirname(from), stock ? request.slice(0, -STOCK.length) : request)
  const found = [plain, plain + '.js', path.join(plain, 'index.js')].find(isFile)
  if (found === undefined) throw new Error(`${from} requires ${request}, which does not exist`)
  return stock ? found + STOCK : found
}

const sourceOf = (id) => {
  if (id.endsWith(STOCK)) return readFileSync(id.slice(0, -STOCK.length), 'utf8')
  const override = path.join(overrides, path.relative(library, id))
  return readFileSync(id.startsWith(library) && existsSync(override) ? override : id, 'utf8')
}

/* Index files require each function when it is first used. */
const lazyIndex = (id, source) => {
  if (!id.startsWith(library) || path.basename(id) !== 'index.js') return source
  return source.replace(/^module\.exports = \{\n([\s\S]*?)\n\}$/m, (all, members) => {
    const lines = members.split('\n').filter((line) => line.trim() !== '')
    const member = /^ +(\w+): (require\('[^']+'\)(?:\.\w+)?),?$/
    if (!lines.every((line) => member.test(line))) return all
    return `module.exports = __lazy({\n${lines.map((line) => line.replace(member, '$1: () => $2,')).join('\n')}\n})`
  })
}

const numbers = new Map()
const texts = []

/* Takes a module and all that it requires into the bundle, and returns its number. */
const add = (id) => {
  if (numbers.has(id)) return numbers.get(id)
  const number = texts.length
  numbers.set(id, number)
  texts.push('')
  const source = lazyIndex(id, sourceOf(id))
  const { code } = transformSync(source, { minify: true, format: 'cjs', target: 'es2022', legalComments: 'none' })
  const from = id.endsWith(STOCK) ? id.slice(0, -STOCK.length) : id
  texts[number] = code.replace(/\brequire\("([^"]+)"\)/g, (_, request) => `require(${add(resolve(from, request))})`).trim()
  return number
}

const main = add(path.join(here, 'src', 'main.js'))

// Runs in QuickJS. `compile` and what `lazy` needs are taken before any script can change them.
const runtime = `
(function (__host, module, exports) {
  const compile = eval
  const { defineProperty, keys } = Object
  const lazy = (makers) => {
    const result = {}
    for (const key of keys(makers)) {
      const set = (value) => defineProperty(result, key, { value, writable: true, configurable: true, enumerable: true })
      const get = () => { const value = makers[key](); set(value); return value }
      defineProperty(result, key, { get, set, configurable: true, enumerable: true })
    }
    return result
  }
  const loaded = []
  const require = (number) => {
    if (loaded[number] === undefined) {
      const module = loaded[number] = { exports: {} }
      const make = compile('(function(require,module,exports,__host,__lazy){' + texts[number] + '\\n})')
      texts[number] = undefined
      make(require, module, module.exports, __host, lazy)
    }
    return loaded[number].exports
  }
  const texts = TEXTS
  return require(MAIN)
})`

const quote = (text) => JSON.stringify(text).replace(/\u2028/g, '\\u2028').replace(/\u2029/g, '\\u2029')
const bundle = runtime.trim()
  .replace('TEXTS', () => '[' + texts.map(quote).join(',\n') + ']')
  .replace('MAIN', () => String(main))
const header = '/* Contains @jscad/modeling, MIT licence, copyright JSCAD Organization. */\n'

mkdirSync(path.dirname(outfile), { recursive: true })
writeFileSync(outfile, header + bundle + '\n')
console.log(`${path.relative(process.cwd(), outfile)}: ${Math.round((header.length + bundle.length) / 1024)} KiB, ${texts.length} modules`)
