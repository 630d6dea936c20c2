/**
 * The page inside an iframe: reads what the server wrote into it and fills itself with the viewer.
 *
 * Query: `parameters=none` leaves the panel out, `theme=light` or `theme=dark` overrides the system's choice.
 */
import "./embed.css";

interface EmbedConfig {
  ticket: string;
  modelViewUrl: string;
  title: string;
}

/** The viewer's module, beside this page's folder on the same server. It is not bundled here: shop pages share its cache entry. */
const VIEWER_URL = new URL(/* @vite-ignore */ "../../viewer/vitrine-viewer.js", import.meta.url).href;

function readConfig(): Partial<EmbedConfig> {
  const parsed: unknown = JSON.parse(document.getElementById("vitrine-config")?.textContent ?? "{}");
  return typeof parsed === "object" && parsed !== null ? parsed : {};
}

const config = readConfig();
const query = new URLSearchParams(location.search);
const viewer = document.createElement("vitrine-viewer");

const heading = document.getElementById("title");
if (config.title) document.title = config.title;
if (config.title && heading) heading.textContent = config.title;
if (config.ticket) viewer.setAttribute("ticket", config.ticket);
if (config.modelViewUrl) viewer.setAttribute("model-view-url", config.modelViewUrl);
viewer.setAttribute("layout", "fill");
// Empty when the site around us hides itself; the server then says what it misses.
viewer.setAttribute("embedding-origin", document.referrer);
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
