import { defineConfig } from "vitest/config";
import { bundledLicences } from "../tools/bundled-licences.mjs";

export default defineConfig({
  // Relative addresses: the folder works wherever a server mounts it.
  base: "./",
  plugins: [bundledLicences()],
  build: {
    outDir: "../dist/viewer",
    emptyOutDir: true,
    sourcemap: false,
    target: "es2022",
    modulePreload: false,
    // Not Vite's library mode: that one leaves white space in, a third of the download.
    rollupOptions: {
      input: "src/index.ts",
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "vitrine-viewer.js", chunkFileNames: "chunks/[name]-[hash].js" },
    },
    // three.js and its glTF loader; loaded beside the session's first request, not before it.
    chunkSizeWarningLimit: 700,
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.ts"],
  },
});
