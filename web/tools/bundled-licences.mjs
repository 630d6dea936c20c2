// Vite plugin: writes the licence texts of the packages that really are in a bundle next to it.
// It asks the bundle, not package.json, so a package that was shaken out is not listed and none is forgotten.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const LICENCE_FILE = /^(licen[cs]e|copying|notice)(\.|-|$)/i;

/** The folder of the package that a module file belongs to, or null for our own files. */
function packageFolder(moduleId) {
  const path = moduleId.replace(/^\0/, "").split("?")[0];
  if (!path.includes("/node_modules/")) return null;
  let folder = dirname(path);
  // Packages have folders with a package.json that is no package's own: only that one has a version.
  while (!existsSync(join(folder, "package.json")) || !JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version) {
    const parent = dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
  return folder;
}

function describe(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder)
    .filter((file) => LICENCE_FILE.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (texts.length === 0) return { name, version, text: null };
  return { name, version, text: `${name} ${version} (${license})\n\n${texts.join("\n\n")}\n` };
}

/** Licence texts that we keep ourselves: of packages which carry none, and of packages inside other packages' bundles. */
function keptTexts(folder) {
  if (!folder) return [];
  const path = fileURLToPath(folder);
  return readdirSync(path)
    .sort()
    .map((file) => readFileSync(join(path, file), "utf8"));
}

/**
 * @param {{ more?: URL, inside?: string[] }} options `more` is a folder of further texts, each of which begins with the name of
 *   its package; `inside` names installed packages that a library brings along in its own bundle
 * @returns {import("vite").Plugin}
 */
export function bundledLicences({ more, inside = [] } = {}) {
  return {
    name: "vitrine-bundled-licences",
    generateBundle(_options, bundle) {
      const folders = new Set(inside.map((name) => fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url))));
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk") continue;
        for (const [id, module] of Object.entries(chunk.modules)) {
          const folder = module.renderedLength > 0 ? packageFolder(id) : null;
          if (folder) folders.add(folder);
        }
      }
      const kept = keptTexts(more);
      const described = [...folders].map(describe).sort((a, b) => a.name.localeCompare(b.name));
      for (const { name, version, text } of described) {
        const isKept = kept.some((words) => words.startsWith(`${name} ${version} `));
        if (text === null && !isKept) this.error(`${name} ${version} is bundled but has no licence file`);
      }
      const packages = [...described.filter((known) => known.text !== null), ...kept.map((text) => ({ text }))];
      const rule = `\n${"-".repeat(78)}\n\n`;
      const source = packages.length
        ? `The files in this folder contain the following packages.\n${rule}${packages.map((p) => p.text).join(rule)}`
        : "The files in this folder contain no package of others.\n";
      this.emitFile({ type: "asset", fileName: "licences.txt", source });
    },
  };
}
