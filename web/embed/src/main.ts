/**
 * The page inside an iframe: reads what the server wrote into it and fills itself with the viewer.
 *
 * Query: `parameters=none` leaves the panel out, `theme=light` or `theme=dark` overrides the system's choice.
 */
import "./embed.css";
import type {} from "../../viewer/src/index.js";

interface EmbedConfig {
  ticket: string;
  modelViewUrl: string;
  title: string;
  nonce: string;
}

/** The server takes a proof of this page's load for a minute; from this age on, a fresh one is asked for. */
const NONCE_MS_MAX = 40_000;

/** The viewer's module, beside this page's folder on the same server. It is not bundled here: shop pages share its cache entry. */
const VIEWER_URL = new URL(/* @vite-ignore */ "../../viewer/vitrine-viewer.js", import.meta.url).href;

function readConfig(): Partial<EmbedConfig> {
  const parsed: unknown = JSON.parse(document.getElementById("vitrine-config")?.textContent ?? "{}");
  return typeof parsed === "object" && parsed !== null ? parsed : {};
}

/**
 * The origin of the page around us, so that the server can compare it: this page alone names our own origin, and a page that
 * hides itself from everybody is named by nothing.
 */
function pageAround(): string {
  if (window.parent === window) return location.origin;
  return location.ancestorOrigins?.[0] ?? document.referrer;
}

/** The next proof, in exchange for the last one. Without one the server says what is missing. */
async function freshNonce(): Promise<string | undefined> {
  if (nonce === undefined) return undefined;
  if (nonceIsUsed || performance.now() > NONCE_MS_MAX) {
    const answer = await fetch(location.pathname, { method: "POST", body: nonce }).catch(() => undefined);
    if (answer?.ok) nonce = await answer.text();
  }
  nonceIsUsed = true;
  return nonce;
}

const config = readConfig();
let nonce = config.nonce;
let nonceIsUsed = false;
const query = new URLSearchParams(location.search);
const viewer = document.createElement("vitrine-viewer");

const heading = document.getElementById("title");
if (config.title) document.title = config.title;
if (config.title && heading) heading.textContent = config.title;
if (config.ticket) viewer.setAttribute("ticket", config.ticket);
if (config.modelViewUrl) viewer.setAttribute("model-view-url", config.modelViewUrl);
viewer.setAttribute("layout", "fill");
viewer.setAttribute("embedding-origin", pageAround());
viewer.embedNonce = freshNonce;
viewer.setAttribute("parameters", query.get("parameters") === "none" ? "none" : "panel");
const theme = query.get("theme");
if (theme === "light" || theme === "dark") {
  viewer.setAttribute("theme", theme);
  document.documentElement.setAttribute("theme", theme);
}
document.getElementById("stage")?.append(viewer);

import(/* @vite-ignore */ VIEWER_URL).catch((error: unknown) => {
  console.error("Vitrine: the viewer's code could not be loaded.", error);
  viewer.replaceWith("The viewer could not be loaded. Check the connection and reload the page.");
});
