// Takes the pictures of the demo models with our own viewer in Chromium.
//
//   target/release/vitrine demo --json > demo.json &
//   node web/tools/thumbnails.mjs demo.json demo/thumbnails
//
// Needs the packages of tests/e2e (for playwright-core) and Chromium: VITRINE_CHROMIUM, or /usr/bin/chromium.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";

const SIDE_PX = 320;
/** A model on a machine without a graphics card and with a cold worker. */
const COMPUTE_MS_MAX = 120_000;

const [demoFile, folder] = process.argv.slice(2);
if (!demoFile || !folder) {
  console.error("usage: node web/tools/thumbnails.mjs DEMO_JSON FOLDER");
  process.exit(2);
}
const { chromium } = createRequire(new URL("../../tests/e2e/package.json", import.meta.url))("playwright-core");
const demo = JSON.parse(await readFile(demoFile, "utf8"));
await mkdir(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.VITRINE_CHROMIUM ?? "/usr/bin/chromium",
  chromiumSandbox: process.getuid?.() !== 0,
  args: ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--disable-background-networking"],
});
try {
  for (const { slug } of demo.models) {
    const page = await browser.newPage();
    await page.goto(new URL(`#${slug}`, demo.shop_url).href);
    await page.waitForFunction(
      () => document.querySelector("vitrine-viewer")?.shadowRoot?.querySelector(".picture.shown"),
      undefined,
      { timeout: COMPUTE_MS_MAX },
    );
    const bytes = await page.evaluate(async (side) => {
      const viewport = await document.querySelector("vitrine-viewer").viewport;
      return [...new Uint8Array(await (await viewport.snapshot(side, side)).arrayBuffer())];
    }, SIDE_PX);
    const file = join(folder, `${slug}.png`);
    await writeFile(file, Uint8Array.from(bytes));
    console.log(`${file}: ${bytes.length} bytes`);
    await page.close();
  }
} finally {
  await browser.close();
}
