// Vite plugin: makes the CAD library fit for a page with a strict policy that speaks to its own server alone.
//
// - The library sets styles by <style> elements, which `style-src 'self'` forbids. They become <vitrine-sheet> elements
//   (src/cad/sheets.ts), which adopt a style sheet object instead.
// - Its defaults fetch fonts and templates from a public host. The addresses are replaced by the page's own folder.
// - Its text worker and the one font become files beside the bundle.
//
// Each replacement is counted: a new version of the library that does things differently fails the build, not the visitor.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const FOREIGN = "https://cdn.jsdelivr.net/gh/mlightcad/cad-data";
const STYLE = 'document.createElement("style")';
const SHEET = 'document.createElement("vitrine-sheet")';
/** Style attributes are forbidden too, the same words as properties are not. */
const STYLE_ATTRIBUTE = /\.setAttribute\(\s*"style",\s*("[^"]*")\s*\)/g;
const STYLE_IN_MARKUP = ' style="fill:none"';
/** What the pinned versions hold. */
const EXPECTED = { styles: 13, attributes: 1, markup: 1, foreign: 3 };
/** Copyleft packages of the same publisher, which must never come along. */
const FORBIDDEN = /node_modules\/@mlightcad\/(libredwg|dxf-json|libdxfrw)/;

const require = createRequire(import.meta.url);

/** The folder of a package, found by its entry file because it may not export its package.json. */
function folderOf(name) {
  let folder = dirname(require.resolve(name));
  while (!existsSync(join(folder, "LICENSE"))) folder = dirname(folder);
  return folder;
}

/** Names that drawings use for fonts which we do not have; one face stands in for all of them. */
const FONT_NAMES = [
  "arial", "txt", "simplex", "romans", "romanc", "romand", "romant", "complex", "isocp", "isocp2", "isocp3", "isocpeur", "monotxt",
  "standard", "dejavusans", "simsun", "hztxt", "gbcbig", "amgdt", "tahoma", "verdana", "calibri", "swissl", "times", "cour",
];

/**
 * @param {{ home: string }} options `home` is the address under which the server shows this page's files
 * @returns {import("vite").Plugin}
 */
export function cadLibrary({ home }) {
  const found = { styles: 0, attributes: 0, markup: 0, foreign: 0 };
  const rehome = (code) => {
    found.foreign += code.split(FOREIGN).length - 1;
    return code.replaceAll(FOREIGN, home);
  };
  return {
    name: "vitrine-cad-library",
    transform(code, id) {
      if (FORBIDDEN.test(id)) this.error(`${id} must not be bundled: its licence is copyleft`);
      if (!id.includes("/node_modules/@mlightcad/")) return null;
      found.styles += code.split(STYLE).length - 1;
      found.markup += code.split(STYLE_IN_MARKUP).length - 1;
      const calm = code
        .replaceAll(STYLE, SHEET)
        .replaceAll(STYLE_IN_MARKUP, "")
        .replace(STYLE_ATTRIBUTE, (_call, css) => {
          found.attributes += 1;
          return `.style.cssText = ${css}`;
        });
      return { code: rehome(calm), map: null };
    },
    generateBundle() {
      const worker = readFileSync(join(folderOf("@mlightcad/mtext-renderer"), "dist/mtext-renderer-worker.js"), "utf8");
      const font = folderOf("dejavu-fonts-ttf/ttf/DejaVuSans.ttf");
      this.emitFile({ type: "asset", fileName: "assets/mtext-worker.js", source: rehome(worker) });
      this.emitFile({ type: "asset", fileName: "assets/fonts/DejaVuSans.ttf", source: readFileSync(join(font, "ttf/DejaVuSans.ttf")) });
      this.emitFile({ type: "asset", fileName: "assets/fonts/LICENCE.txt", source: readFileSync(join(font, "LICENSE")) });
      const fonts = [{ name: FONT_NAMES, file: "DejaVuSans.ttf", type: "mesh" }];
      this.emitFile({ type: "asset", fileName: "assets/fonts/fonts.json", source: JSON.stringify(fonts) });
      if (found.styles !== EXPECTED.styles || found.foreign !== EXPECTED.foreign) {
        this.error(`the CAD library is not the one this page was made for: ${JSON.stringify(found)}, not ${JSON.stringify(EXPECTED)}`);
      }
    },
  };
}
