// Takes the pictures of the demo's models with our own viewer in Chromium and writes them to demo/thumbnails.
//
//   node demo/thumbnails.mjs                     starts target/debug/vitrine demo by itself
//   node demo/thumbnails.mjs SUMMARY.json        uses a demo that runs; the file holds what its --json printed
//
// VITRINE names another program, CHROMIUM another browser. tests/e2e must be installed (npm ci --prefix tests/e2e).

import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const { chromium } = createRequire(join(ROOT, "tests/e2e/package.json"))("playwright-core");

const SIZE = { width: 480, height: 360 };
/** The pictures travel inside the program, so they stay small. */
const BYTES_MAX = 800 * 1024;
const START_MS_MAX = 60_000;
const PICTURE_MS_MAX = 60_000;
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
];
/** How close the camera comes after it has fitted the model: the fit leaves room for turning, a picture stands still. */
const CLOSER = { shelf: 0, enclosure: 1, lamp: 1 };

/** Starts a demo and resolves to its summary and a way to end it. */
function startDemo() {
  const program = process.env.VITRINE ?? join(ROOT, "target/debug/vitrine");
  const child = spawn(program, ["demo", "--json", "--listen", "127.0.0.1:0", "--shop-listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} did not answer within ${START_MS_MAX / 1000} s.`)), START_MS_MAX);
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      if (!text.includes("\n")) return;
      clearTimeout(timer);
      resolve({ summary: JSON.parse(text), stop: () => child.kill("SIGTERM") });
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${program} ended with code ${code}.`)));
  });
}

/** Runs in the page: fills it with nothing but the viewer. */
function fillPage({ baseUrl, ticket }) {
  const root = document.documentElement;
  const style = document.createElement("style");
  style.textContent = "html, body { margin: 0; height: 100%; overflow: hidden } vitrine-viewer { display: block; width: 100vw; height: 100vh } "
    + "vitrine-viewer::part(stage) { border: 0; border-radius: 0 }";
  addEventListener("vitrine-computed", () => { root.dataset.ready = "yes"; });
  for (const name of ["vitrine-refused", "vitrine-error"]) {
    addEventListener(name, (event) => { root.dataset.refused = event.detail.message; });
  }
  const viewer = document.createElement("vitrine-viewer");
  for (const [name, value] of Object.entries({ layout: "fill", theme: "light", parameters: "none", ticket })) viewer.setAttribute(name, value);
  document.body.replaceChildren(style, viewer);
  return import(`${baseUrl}/viewer/vitrine-viewer.js`).then(() => undefined);
}

async function picture(browser, summary, model) {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: "light", reducedMotion: "reduce" });
  // The page is ours, but it takes the place of one on the shop's origin, which may show the models.
  await page.goto(`${summary.shop_url}/config.json`);
  await page.evaluate(fillPage, { baseUrl: summary.base_url, ticket: model.embedding_ticket });
  await page.waitForSelector("html[data-ready], html[data-refused]", { timeout: PICTURE_MS_MAX, state: "attached" });
  const refused = await page.evaluate(() => document.documentElement.dataset.refused);
  if (refused !== undefined) throw new Error(`${model.slug}: ${refused}`);
  await page.evaluate(async (closer) => {
    const viewer = document.querySelector("vitrine-viewer");
    await viewer.viewport;
    // Only the picture: the buttons on it belong to a page that moves.
    const style = new CSSStyleSheet();
    style.replaceSync("button, [role=toolbar] { visibility: hidden !important }");
    viewer.shadowRoot.adoptedStyleSheets.push(style);
    const stage = viewer.shadowRoot.querySelector("[tabindex]");
    for (let i = 0; i < closer; i += 1) stage?.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
  }, CLOSER[model.slug] ?? 0);
  const png = await settled(page);
  await page.close();
  return png;
}

/** Takes pictures until two in a row are the same: then nothing moves any more. */
async function settled(page) {
  const deadline = Date.now() + PICTURE_MS_MAX;
  let [last, same] = [null, 0];
  while (Date.now() < deadline) {
    const png = await page.screenshot({ type: "png" });
    same = last?.equals(png) ? same + 1 : 0;
    if (same >= 2) return png;
    last = png;
    await page.waitForTimeout(400);
  }
  throw new Error("the picture did not come to rest");
}

const [given] = process.argv.slice(2);
const demo = given ? { summary: JSON.parse(await readFile(given, "utf8")), stop: () => undefined } : await startDemo();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const folder = process.env.THUMBNAILS ?? join(ROOT, "demo/thumbnails");
try {
  await mkdir(folder, { recursive: true });
  for (const model of demo.summary.models) {
    const png = await picture(browser, demo.summary, model);
    if (png.length > BYTES_MAX) throw new Error(`${model.slug}: ${png.length} bytes, at most ${BYTES_MAX} are allowed`);
    await writeFile(join(folder, `${model.slug}.png`), png);
    console.log(`${model.slug}.png  ${png.length} bytes`);
  }
} finally {
  await browser.close();
  demo.stop();
}
