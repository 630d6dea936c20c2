// What a browser loads before it shows the first page: the console without the viewer, compressed as the server sends it.
// Fails when that grows beyond the bound, so that nobody adds a library by accident.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** 200 kB: a page over a slow mobile line is there in two seconds. */
const FIRST_LOAD_BYTES_MAX = 200_000;

const folder = new URL("../dist/console/", import.meta.url);
const html = readFileSync(new URL("index.html", folder), "utf8");
const linked = [...html.matchAll(/(?:src|href)="\/console\/([^"]+)"/g)].map((found) => found[1]);
if (!linked.some((name) => name.endsWith(".js"))) throw new Error("dist/console/index.html names no script");
const sizes = [Buffer.from(html), ...linked.map((name) => readFileSync(new URL(name, folder)))].map((bytes) => gzipSync(bytes).length);
const total = sizes.reduce((sum, size) => sum + size, 0);
console.log(`console: first load ${total} bytes compressed, at most ${FIRST_LOAD_BYTES_MAX}`);
if (total > FIRST_LOAD_BYTES_MAX) process.exit(1);
