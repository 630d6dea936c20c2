import { defineConfig } from "vite";
import { bundledLicences } from "../tools/bundled-licences.mjs";

export default defineConfig({
  base: "./",
  plugins: [bundledLicences()],
  build: {
    outDir: "../dist/partner",
    emptyOutDir: true,
    sourcemap: false,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
  },
});
