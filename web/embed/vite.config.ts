import { defineConfig } from "vite";
import { bundledLicences } from "../tools/bundled-licences.mjs";

export default defineConfig({
  // The page stands at /embed/{slug}, its files at /embed/assets/: relative addresses hold for both.
  base: "./",
  plugins: [bundledLicences()],
  build: {
    outDir: "../dist/embed",
    emptyOutDir: true,
    sourcemap: false,
    target: "es2022",
    modulePreload: false,
    // No data: addresses, so that a strict content security policy needs no exception for scripts and styles.
    assetsInlineLimit: 0,
  },
});
