import { defineConfig } from "vitest/config";
import { bundledLicences } from "../tools/bundled-licences.mjs";
import { cadLibrary } from "./tools/cad-library.mjs";

export default defineConfig({
  // The page stands at /editor, its files at /editor/assets/.
  base: "/editor/",
  plugins: [
    cadLibrary({ home: "/editor/assets" }),
    bundledLicences({
      more: new URL("licences/", import.meta.url),
      inside: ["iconv-lite", "idb", "opentype.js", "safer-buffer"],
    }),
  ],
  resolve: {
    dedupe: ["three"],
    // The library asks for a part of three.js without its extension, which three's list of exports does not know.
    alias: [{ find: /^three\/examples\/jsm\/libs\/stats\.module$/, replacement: "three/examples/jsm/libs/stats.module.js" }],
  },
  build: {
    outDir: "../dist/editor",
    emptyOutDir: true,
    sourcemap: false,
    target: "es2022",
    modulePreload: false,
    // No data: addresses, so that a strict content security policy needs no exception.
    assetsInlineLimit: 0,
    rollupOptions: {
      // The server lets browsers keep what stands in a folder named chunks: these names hold a hash.
      output: { entryFileNames: "assets/chunks/[name]-[hash].js", chunkFileNames: "assets/chunks/[name]-[hash].js" },
    },
    // The CAD library with three.js; it is fetched while the drawing is, after the page stands.
    chunkSizeWarningLimit: 4500,
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.ts"],
  },
});
