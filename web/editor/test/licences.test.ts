// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Licences that may come into a bundle. */
const FREE = /^\(?(MIT|ISC|0BSD|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|Python-2\.0|CC0-1\.0|BlueOak-1\.0\.0|MPL-2\.0)( (OR|AND) [A-Za-z0-9.-]+\)?)*$/;

interface Locked {
  license?: string;
  link?: boolean;
}

const { packages } = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")) as { packages: Record<string, Locked> };
const installed = Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);

test("no package that is installed is copyleft, and none is without a licence", () => {
  expect(installed.length).toBeGreaterThan(50);
  // The one font says where its licence stands: docs/licences.md.
  const unknown = installed.filter(([path, { license }]) => !FREE.test(license ?? "") && !path.endsWith("/dejavu-fonts-ttf"));
  expect(unknown.map(([path, { license }]) => `${path}: ${license ?? "none"}`)).toEqual([]);
});

test("the CAD library's copyleft relatives are not installed", () => {
  const names = installed.map(([path]) => path.replace(/.*node_modules\//, ""));
  expect(names.filter((name) => /libredwg|dxf-json|libdxfrw/.test(name))).toEqual([]);
});
