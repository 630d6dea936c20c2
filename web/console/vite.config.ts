import { defineConfig } from "vitest/config";
import { bundledLicences } from "../tools/bundled-licences.mjs";

export default defineConfig({
  // The page stands at /, its files at /console/.
  base: "/console/",
  plugins: [bundledLicences()],
  build: {
    outDir: "../dist/console",
    emptyOutDir: true,
    sourcemap: false,
    target: "es2022",
    modulePreload: false,
    // No data: addresses, so that a strict content security policy needs no exception for scripts and styles.
    assetsInlineLimit: 0,
    // Files under chunks/ are kept by browsers for ever: their names hold a hash.
    assetsDir: "chunks",
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.{ts,tsx}"],
  },
});
