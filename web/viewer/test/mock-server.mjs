// A tiny stand-in for the Geometry API: one shelf made of boxes. For tests and for working on the pages; never shipped.
//   node test/mock-server.mjs [port]      then open the printed shop address
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { boxesGlb } from "./glb.mjs";

const DIST = join(dirname(fileURLToPath(import.meta.url)), "../../dist");
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml", ".txt": "text/plain", ".webp": "image/webp", ".png": "image/png" };
const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, PATCH",
  "Access-Control-Allow-Headers": "content-type, authorization, x-shapediver-origin, range",
  "Access-Control-Expose-Headers": "Content-Disposition, Content-Length, Content-Range, Accept-Ranges, Retry-After",
  "Access-Control-Max-Age": "7200",
};

export const IDS = Object.fromEntries(
  ["width", "height", "depth", "boards", "colour", "oiled", "label", "feet", "extras", "secret"].map((name, i) => [
    name,
    `00000000-0000-4000-8000-00000000000${i}`,
  ]),
);
const SIZE = { id: "g1", name: "Size" };
const LOOK = { id: "g2", name: "Finish" };

export function parameters() {
  const list = [
    { id: IDS.width, name: "width", displayname: "Width (cm)", type: "Float", defval: "80.0", min: 30, max: 160, decimalplaces: 1, group: SIZE, order: 1, tooltip: "Outer width. Boards longer than 120 cm get a middle support." },
    { id: IDS.height, name: "height", displayname: "Height (cm)", type: "Int", defval: "120", min: 40, max: 220, group: SIZE, order: 2 },
    { id: IDS.depth, name: "depth", displayname: "Depth (cm)", type: "Even", defval: "28", min: 17, max: 60, group: SIZE, order: 3 },
    { id: IDS.boards, name: "boards", displayname: "Boards", type: "Odd", defval: "5", min: 2, max: 11, group: SIZE, order: 4 },
    { id: IDS.colour, name: "colour", displayname: "Colour of the wood", type: "Color", defval: "0xc89b6aff", group: LOOK, order: 5 },
    { id: IDS.feet, name: "feet", displayname: "Feet", type: "StringList", choices: ["None", "Steel", "Brass"], defval: "1", group: LOOK, order: 6 },
    { id: IDS.oiled, name: "oiled", displayname: "Oiled surface", type: "Bool", defval: "true", group: LOOK, order: 7, tooltip: "Two coats of hard wax oil." },
    { id: IDS.extras, name: "extras", displayname: "Extras", type: "StringList", visualization: "checklist", choices: ["Back panel", "Wall fixing", "Cable hole"], defval: "1", order: 8 },
    { id: IDS.label, name: "label", displayname: "Engraving", type: "String", defval: "", max: 24, order: 9 },
    { id: IDS.secret, name: "secret", type: "Int", defval: "1", min: 0, max: 9, hidden: true },
  ];
  return Object.fromEntries(list.map((parameter) => [parameter.id, { hidden: false, ...parameter }]));
}

const hash = (value) => createHash("md5").update(JSON.stringify(value)).digest("hex");

function shelf(values) {
  const cm = (id) => Number(values[id]) / 100;
  const [w, h, d] = [cm(IDS.width), cm(IDS.height), cm(IDS.depth)];
  const count = Number(values[IDS.boards]);
  const rgb = [0, 1, 2].map((i) => (Number.parseInt(values[IDS.colour].slice(2 + i * 2, 4 + i * 2), 16) / 255) ** 2.2);
  const wood = { color: [...rgb, 1], rough: values[IDS.oiled] === "true" ? 0.45 : 0.8 };
  const boxes = [-1, 1].map((side) => ({ at: [(side * (w - 0.02)) / 2, h / 2, 0], size: [0.02, h, d], ...wood }));
  for (let i = 0; i < count; i += 1) {
    boxes.push({ at: [0, 0.03 + (i * (h - 0.06)) / Math.max(count - 1, 1), 0], size: [w - 0.04, 0.02, d - 0.005], ...wood });
  }
  const feet = Number(values[IDS.feet]);
  if (feet > 0) {
    const metal = { color: feet === 1 ? [0.55, 0.56, 0.58, 1] : [0.83, 0.62, 0.25, 1], metal: 1, rough: 0.3 };
    for (const x of [-1, 1]) for (const z of [-1, 1]) {
      boxes.push({ at: [x * (w / 2 - 0.03), -0.04, z * (d / 2 - 0.03)], size: [0.03, 0.08, 0.03], ...metal });
    }
  }
  return boxes;
}

/** Starts the server. `knobs` may be changed while it runs: {allow(origin), delayMs, failNext: [], log: []}. */
export async function startMock(port = 0, knobs = {}) {
  const state = { allow: () => true, delayMs: 0, failNext: [], log: [], sessions: new Map(), pending: new Map(), ...knobs };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      handle(request, response, text ? JSON.parse(text) : undefined, state, server);
    });
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  state.url = `http://127.0.0.1:${server.address().port}`;
  state.stop = () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
  return state;
}

function reply(response, status, body, headers = {}) {
  response.writeHead(status, { ...CORS, "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body).replaceAll("http://HOST", `http://${response.req.headers.host}`));
}

export function apiError(response, status, type, message, headers) {
  reply(response, status, { error: type, desc: `Mock ${type}`, message }, headers);
}

function handle(request, response, body, state) {
  const url = new URL(request.url, "http://mock");
  if (request.method === "OPTIONS") return response.writeHead(204, CORS).end();
  const path = url.pathname;
  if (!path.startsWith("/api/v2/")) return serveFile(path, response);
  state.log.push({ method: request.method, path, body, headers: request.headers });
  const planned = state.failNext.findIndex((plan) => path.includes(plan.path));
  if (planned >= 0) {
    const [plan] = state.failNext.splice(planned, 1);
    return apiError(response, plan.status, plan.type, plan.message ?? "Planned by the test.", plan.headers);
  }
  const ticket = /^\/api\/v2\/ticket\/(.+)$/.exec(path)?.[1];
  if (ticket) return openSession(request, response, body ?? {}, state);
  const [, id, rest] = /^\/api\/v2\/session\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const session = state.sessions.get(id);
  if (!session) return apiError(response, 410, "SdSessionGoneError", "The session has ended. Open a new one.");
  return inSession(response, id, rest, body, state, request.method);
}

function openSession(request, response, body, state) {
  const origin = request.headers.origin;
  if (!state.allow(origin)) {
    const message = `This page's address, ${origin}, is not among the model's allowed domains. Its owner can add it with “vitrine model allow”.`;
    return apiError(response, 403, "SdTicketValidationError", message);
  }
  const id = randomBytes(16).toString("hex");
  state.sessions.set(id, {});
  const values = { ...defaults(), ...body };
  reply(response, 201, {
    version: "2.5.0",
    sessionId: id,
    model: { id: "11111111-0000-4000-8000-000000000000", name: "Oak shelf", stat: "confirmed" },
    viewer: { config: {} },
    actions: ["customize", "export", "close"].map((name) => ({ name })),
    parameters: parameters(),
    outputs: outputs(id, values, state),
    exports: { e1: { id: "e1", name: "STL", displayname: "3D print (STL)", type: "download", dependency: [], hidden: false } },
  });
}

function defaults() {
  return Object.fromEntries(Object.values(parameters()).map((p) => [p.id, p.defval]));
}

function outputs(session, values, state) {
  const version = hash(values);
  const known = state.pending.get(version);
  const ready = state.delayMs === 0 || known?.asked;
  state.pending.set(version, { values, asked: state.delayMs !== 0 });
  return outputsOf(session, version, values, ready ? 0 : state.delayMs);
}

function outputsOf(session, version, values, delay) {
  const [w, h, d, n] = [IDS.width, IDS.height, IDS.depth, IDS.boards].map((id) => Number(values[id]));
  const area = (n * w * d + 2 * h * d) / 10_000;
  const item = (id, name, content) => ({ id, name, dependency: [], hidden: false, version: hash([id, version]), ...(delay ? { delay } : { content, status_computation: "success", status_collect: "success" }) });
  const href = `http://HOST/api/v2/session/${session}/output/${version}`;
  return {
    o1: item("o1", "model", [{ format: "glb", href, contentType: "model/gltf-binary" }]),
    o2: item("o2", "price", [{ format: "data", name: "Price", data: { label: "Price", value: Math.round(area * 9500 + 3900) / 100, unit: "EUR" } }]),
    o3: item("o3", "facts", [{ format: "data", data: { Weight: { value: Math.round(area * 130) / 10, unit: "kg" }, Wood: "Oak" } }]),
  };
}

function inSession(response, id, rest, body, state, method) {
  const send = (answer) => reply(response, 200, answer);
  if (rest === "close") {
    state.sessions.delete(id);
    return send({ version: "2.5.0" });
  }
  if (rest === "default") return send({ version: "2.5.0", actions: ["customize", "export", "close"].map((name) => ({ name })) });
  if (rest === "output" && method === "PUT") return send({ version: "2.5.0", outputs: outputs(id, { ...defaults(), ...body }, state) });
  if (rest === "output/cache") {
    const found = [...state.pending].find(([version]) => Object.values(body).includes(hash(["o1", version])) || Object.values(body).includes(hash(["o2", version])));
    return send({ version: "2.5.0", outputs: found ? outputsOf(id, found[0], found[1].values, 0) : {} });
  }
  if (rest === "export" || rest === "export/cache") {
    const version = hash(body);
    const content = [{ format: "stl", href: `http://HOST/api/v2/session/${id}/export/${version}`, contentType: "model/stl" }];
    return send({ version: "2.5.0", exports: { e1: { id: "e1", name: "STL", type: "download", dependency: [], hidden: false, version, content, filename: "shelf" } } });
  }
  const asset = /^(output|export)\/([0-9a-f]{32})$/.exec(rest);
  if (asset?.[1] === "output") {
    const bytes = boxesGlb(shelf(state.pending.get(asset[2])?.values ?? defaults()));
    response.writeHead(206, { ...CORS, "Content-Type": "model/gltf-binary", "Content-Length": bytes.length });
    return response.end(bytes);
  }
  if (asset) {
    response.writeHead(200, { ...CORS, "Content-Type": "model/stl", "Content-Disposition": 'attachment; filename="Oak shelf.stl"' });
    return response.end("solid shelf\nendsolid shelf\n");
  }
  return apiError(response, 404, "SdNotFoundError", "No such operation.");
}

function serveFile(path, response) {
  const file = join(DIST, normalize(path.endsWith("/") ? `${path}index.html` : path));
  if (!file.startsWith(DIST) || !existsSync(file) || !statSync(file).isFile()) return apiError(response, 404, "SdNotFoundError", "No such file.");
  response.writeHead(200, { ...CORS, "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
  return createReadStream(file).pipe(response);
}

/** The built shop on an origin of its own. */
async function startShop(mock) {
  const models = ["shelf", "enclosure", "lamp"].map((slug) => ({ id: slug, slug, title: `A mocked ${slug}`, embedding_ticket: `00-${slug}` }));
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://shop").pathname;
    if (path === "/config.json") return reply(response, 200, { base_url: mock.url, content_url: mock.url, models, stranger: false });
    return serveFile(`/shop${path}`, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}/`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock(Number(process.argv[2] ?? 0));
  console.log(`Geometry API: ${mock.url}\nShop:         ${await startShop(mock)}`);
}
