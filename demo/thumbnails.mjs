// Takes the pictures of the demo's models with our own viewer in Chromium and writes them to demo/thumbnails.
//
//   node demo/thumbnails.mjs                     starts target/debug/vitrine demo by itself
//   node demo/thumbnails.mjs SUMMARY.json        uses a demo that runs; the file holds what its --json printed
//
// VITRINE names another program, CHROMIUM another browser. tests/e2e must be installed (npm ci --prefix tests/e2e).

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync, inflateSync, crc32 } from "node:zlib";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const { chromium } = createRequire(join(ROOT, "tests/e2e/package.json"))("playwright-core");

const SIZE = { width: 480, height: 360 };
/** The pictures travel inside the program, so they stay small. */
const BYTES_MAX = 78 * 1024;
const START_MS_MAX = 60_000;
const PICTURE_MS_MAX = 60_000;
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
];
/** Keys that are pressed after the camera has fitted the model: the fit leaves room for turning, a picture stands still. */
const KEYS = { shelf: ["ArrowLeft", "+", "+"], enclosure: ["+"], lamp: ["+"] };
/** Differences between colours that may be given up, one after the other, until a picture is small enough. */
const COLOUR_STEPS = [1, 2, 3, 4, 6, 8];

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
  await page.evaluate(async (keys) => {
    const viewer = document.querySelector("vitrine-viewer");
    await viewer.viewport;
    // Only the picture: the buttons on it belong to a page that moves.
    const style = new CSSStyleSheet();
    style.replaceSync("button, [role=toolbar] { visibility: hidden !important }");
    viewer.shadowRoot.adoptedStyleSheets.push(style);
    const stage = viewer.shadowRoot.querySelector("[tabindex]");
    for (const key of keys) stage.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  }, KEYS[model.slug] ?? []);
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

const PNG_HEAD = Buffer.from("89504e470d0a1a0a", "hex");

/** The prediction of a byte from its left, upper and upper left neighbour, by PNG's filter types 0 to 4. */
function predict(type, left, up, corner) {
  if (type === 0) return 0;
  if (type === 1) return left;
  if (type === 2) return up;
  if (type === 3) return (left + up) >> 1;
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** Reads a PNG of eight bits a channel without interlacing, as Chromium writes it, to three bytes a pixel. */
function readPng(png) {
  const parts = [];
  let head;
  for (let at = PNG_HEAD.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const kind = png.toString("latin1", at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") head = body;
    if (kind === "IDAT") parts.push(body);
    at += length + 12;
  }
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const channels = head[9] === 6 ? 4 : 3;
  const stride = width * channels;
  const raw = inflateSync(Buffer.concat(parts));
  const all = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const type = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const here = y * stride + x;
      const [left, up] = [x < channels ? 0 : all[here - channels], y === 0 ? 0 : all[here - stride]];
      const corner = x < channels || y === 0 ? 0 : all[here - stride - channels];
      all[here] = raw[y * (stride + 1) + 1 + x] + predict(type, left, up, corner);
    }
  }
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i += 1) all.copy(pixels, 3 * i, channels * i, channels * i + 3);
  return { width, height, pixels };
}

function chunk(kind, body) {
  const out = Buffer.alloc(body.length + 12);
  out.writeUInt32BE(body.length, 0);
  out.write(kind, 4, "latin1");
  body.copy(out, 8);
  out.writeUInt32BE(crc32(out.subarray(4, body.length + 8)), body.length + 8);
  return out;
}

/** One row under each filter; the one with the smallest differences. */
function bestRow(pixels, stride, y) {
  let best;
  for (let type = 0; type < 5; type += 1) {
    const row = Buffer.alloc(stride + 1);
    row[0] = type;
    let cost = 0;
    for (let x = 0; x < stride; x += 1) {
      const here = y * stride + x;
      const [left, up] = [x < 3 ? 0 : pixels[here - 3], y === 0 ? 0 : pixels[here - stride]];
      const corner = x < 3 || y === 0 ? 0 : pixels[here - stride - 3];
      const difference = (pixels[here] - predict(type, left, up, corner)) & 255;
      row[x + 1] = difference;
      cost += Math.min(difference, 256 - difference);
    }
    if (best === undefined || cost < best.cost) best = { row, cost };
  }
  return best.row;
}

function writePng({ width, height, pixels }) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits a channel, red, green and blue.
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Array.from({ length: height }, (_, y) => bestRow(pixels, width * 3, y));
  const body = deflateSync(Buffer.concat(rows), { level: 9, memLevel: 9 });
  return Buffer.concat([PNG_HEAD, chunk("IHDR", head), chunk("IDAT", body), chunk("IEND", Buffer.alloc(0))]);
}

/** The same picture in at most so many bytes, with no coarser colours than that needs. */
function smallPng(png, bytesMax) {
  const image = readPng(png);
  for (const step of COLOUR_STEPS) {
    const pixels = Buffer.from(image.pixels.map((value) => Math.min(255, Math.round(value / step) * step)));
    const small = writePng({ ...image, pixels });
    if (small.length <= bytesMax) return small;
  }
  throw new Error(`the picture does not fit into ${bytesMax} bytes`);
}

const [given] = process.argv.slice(2);
const demo = given ? { summary: JSON.parse(await readFile(given, "utf8")), stop: () => undefined } : await startDemo();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const folder = process.env.THUMBNAILS ?? join(ROOT, "demo/thumbnails");
try {
  await mkdir(folder, { recursive: true });
  for (const model of demo.summary.models) {
    const png = smallPng(await picture(browser, demo.summary, model), BYTES_MAX);
    await writeFile(join(folder, `${model.slug}.png`), png);
    console.log(`${model.slug}.png  ${png.length} bytes`);
  }
} finally {
  await browser.close();
  demo.stop();
}
