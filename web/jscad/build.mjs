// Bundles @jscad/modeling and our glue into one file that the engine evaluates: web/dist/jscad.js.
//
// Modules of the library hold references to each other, so replacing functions on its public objects would leave the slow ones in
// use. Every file under src/overrides therefore takes the place of the library's file of the same path while bundling; inside it,
// relative paths are the library's own, and a path that ends in `?stock` is the file that was replaced.

import { build } from 'esbuild'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const overrides = path.join(here, 'src', 'overrides')
const library = path.dirname(createRequire(import.meta.url).resolve('@jscad/modeling'))
const outfile = path.join(here, '..', 'dist', 'jscad.js')

const filesBelow = (folder) => readdirSync(folder).flatMap((name) => {
  const full = path.join(folder, name)
  return statSync(full).isDirectory() ? filesBelow(full) : [full]
})

for (const file of filesBelow(overrides)) {
  const replaced = path.join(library, path.relative(overrides, file))
  if (!existsSync(replaced)) throw new Error(`${file} replaces nothing: ${replaced} does not exist`)
}

const overriding = {
  name: 'vitrine-overrides',
  setup (build) {
    build.onResolve({ filter: /^vitrine:native$/ }, () => ({ path: path.join(here, 'src', 'native.js') }))
    build.onResolve({ filter: /\?stock$/ }, (args) => ({
      path: path.resolve(args.resolveDir, args.path.slice(0, -'?stock'.length)),
      namespace: 'stock'
    }))
    build.onLoad({ filter: /.*/, namespace: 'stock' }, (args) => ({
      contents: readFileSync(args.path, 'utf8'),
      resolveDir: path.dirname(args.path)
    }))
    build.onLoad({ filter: /\.js$/ }, (args) => {
      if (!args.path.startsWith(library)) return undefined
      const override = path.join(overrides, path.relative(library, args.path))
      if (!existsSync(override)) return undefined
      return { contents: readFileSync(override, 'utf8'), resolveDir: path.dirname(args.path) }
    })
  }
}

mkdirSync(path.dirname(outfile), { recursive: true })
const result = await build({
  entryPoints: [path.join(here, 'src', 'main.js')],
  outfile,
  bundle: true,
  format: 'cjs',
  platform: 'neutral',
  mainFields: ['main'],
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  banner: { js: '/* Contains @jscad/modeling, MIT licence, copyright JSCAD Organization. */\n(function(__host,module,exports){' },
  footer: { js: 'return module.exports})' },
  plugins: [overriding],
  metafile: true,
  logLevel: 'warning'
})
const bytes = Object.values(result.metafile.outputs)[0].bytes
if (process.argv.includes('--sizes')) {
  const inputs = Object.entries(Object.values(result.metafile.outputs)[0].inputs)
  for (const [file, { bytesInOutput }] of inputs.sort((a, b) => b[1].bytesInOutput - a[1].bytesInOutput).slice(0, 40)) console.log(bytesInOutput, file)
}
console.log(`${path.relative(process.cwd(), outfile)}: ${Math.round(bytes / 1024)} KiB`)
