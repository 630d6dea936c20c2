import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Viewport, ViewportItem } from "../src/viewport.js";
import { BASE, FakeApi, json, refusal } from "./fake-api.js";

/** Stands in for the picture, which needs a graphics card. */
class FakeViewport {
  readonly canvas = document.createElement("canvas");
  readonly show = vi.fn(async (items: ViewportItem[], signal: AbortSignal) => {
    await Promise.all(items.map((item) => item.load(signal)));
  });
  readonly clear = vi.fn();
  readonly fit = vi.fn();
  readonly setLook = vi.fn();
  readonly dispose = vi.fn();
}

const viewports: FakeViewport[] = [];

vi.mock("../src/viewport.js", () => ({
  Viewport: class {
    constructor() {
      const made = new FakeViewport();
      viewports.push(made);
      return made as unknown as Viewport;
    }
  },
}));

const { VitrineViewer } = await import("../src/index.js");
type Viewer = InstanceType<typeof VitrineViewer>;

let api: FakeApi;
let warn: ReturnType<typeof vi.spyOn>;

beforeEach(() => {
  api = new FakeApi();
  viewports.length = 0;
  vi.stubGlobal("fetch", api.fetch);
  warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

afterEach(async () => {
  document.body.replaceChildren();
  // Elements say goodbye to their server after the task that removed them.
  await Promise.resolve();
  vi.unstubAllGlobals();
});

function place(attributes: Record<string, string> = {}): Viewer {
  const viewer = document.createElement("vitrine-viewer");
  for (const [name, value] of Object.entries({ ticket: "ab-cd", "model-view-url": BASE, ...attributes })) viewer.setAttribute(name, value);
  document.body.append(viewer);
  return viewer;
}

function event<T>(viewer: Viewer, name: string): Promise<T> {
  return new Promise((resolve) => viewer.addEventListener(name, (happened) => resolve((happened as CustomEvent<T>).detail), { once: true }));
}

async function ready(attributes: Record<string, string> = {}): Promise<Viewer> {
  const viewer = place(attributes);
  await event(viewer, "vitrine-computed");
  return viewer;
}

function within<T extends Element>(viewer: Viewer, selector: string): T {
  const found = viewer.shadowRoot?.querySelector<T>(selector);
  if (!found) throw new Error(`the viewer has no ${selector}`);
  return found;
}

describe("a model that may be shown", () => {
  test("comes with its parameters, its facts and the events that say so", async () => {
    const viewer = place();
    const session = await event<{ modelName: string; values: Record<string, string> }>(viewer, "vitrine-session");
    const computed = await event<{ facts: { label: string; value: unknown }[]; failures: object }>(viewer, "vitrine-computed");
    expect(session).toMatchObject({ modelName: "Box", values: { "p-width": "2.00" } });
    expect(computed.facts).toMatchObject([{ label: "Price", value: 20, unit: "EUR" }]);
    expect(computed.failures).toEqual({});
    expect(viewports[0]?.show.mock.lastCall?.[0]).toMatchObject([{ id: "o-model", version: "v-2.00-false" }]);
    expect(within(viewer, "dl").textContent).toContain("Price");
    expect(within<HTMLElement>(viewer, ".progress").hidden).toBe(true);
  });

  test("gives events no ticket, token or session id", async () => {
    const viewer = place({ jwt: "secret-token" });
    const details = await Promise.all([event(viewer, "vitrine-session"), event<{ outputs: unknown }>(viewer, "vitrine-computed")]);
    const { outputs: _links, ...computed } = details[1];
    expect(JSON.stringify([Object.keys(details[0] as object), computed])).not.toMatch(/ab-cd|secret-token|"s1"/);
  });

  test("changes with a control, after a pause while it is dragged", async () => {
    const viewer = await ready();
    const slider = within<HTMLInputElement>(viewer, "input[type=range]");
    const computed = event<{ values: Record<string, string> }>(viewer, "vitrine-computed");
    for (const value of ["3", "4", "5"]) {
      slider.value = value;
      slider.dispatchEvent(new Event("input"));
    }
    expect((await computed).values["p-width"]).toBe("5.00");
    expect(api.count("PUT")).toBe(1);
  });

  test("keeps its last good geometry when new values cannot be computed", async () => {
    const viewer = await ready();
    api.next("PUT", () =>
      json(200, { outputs: { "o-model": { id: "o-model", name: "model", version: "v-bad", content: [], status_computation: "timeout", msg: "Too many holes." } } }),
    );
    const computed = event<{ failures: object }>(viewer, "vitrine-computed");
    await viewer.customize({ width: 9 });
    expect((await computed).failures).toEqual({ "o-model": "Too many holes." });
    expect(viewports[0]?.show.mock.lastCall?.[0]).toMatchObject([{ version: "v-2.00-false" }]);
    expect(within(viewer, ".notice").textContent).toContain("Too many holes.");
  });

  test("stays on screen when the server cannot be reached, with a way to try again", async () => {
    const viewer = await ready();
    api.next("PUT", () => Promise.reject(new TypeError("offline")));
    const failed = event(viewer, "vitrine-error");
    const box = within<HTMLInputElement>(viewer, "input[role=switch]");
    box.checked = true;
    box.dispatchEvent(new Event("change"));
    await failed;
    expect(viewports[0]?.clear).not.toHaveBeenCalled();
    const computed = event<{ values: Record<string, string> }>(viewer, "vitrine-computed");
    within<HTMLButtonElement>(viewer, ".notice button").click();
    expect((await computed).values["p-lid"]).toBe("true");
    expect(within<HTMLElement>(viewer, ".notice").hidden).toBe(true);
  });

  test("saves a download under its name", async () => {
    const viewer = await ready();
    vi.stubGlobal("URL", Object.assign(URL, { createObjectURL: () => "blob:x", revokeObjectURL: () => undefined }));
    const exported = event(viewer, "vitrine-exported");
    within<HTMLButtonElement>(viewer, ".downloads button").click();
    expect(await exported).toEqual({ id: "e-stl", filename: "box.stl", format: "stl", sizeBytes: 5 });
  });

  test("leaves the panel to the page that asks for it", async () => {
    const viewer = await ready({ parameters: "none" });
    expect(viewer.shadowRoot?.querySelector("form")).toBeNull();
    viewer.setAttribute("parameters", "panel");
    expect(within(viewer, "form").getAttribute("aria-label")).toBe("Configuration");
    expect(api.count("POST /api/v2/ticket")).toBe(1);
  });
});

describe("a refusal", () => {
  test("is told in the server's words, in place of the model, without a spinner", async () => {
    api.next("ticket", () => refusal(403, "SdTicketValidationError", "https://evil.example is not allowed. The owner can add it."));
    const viewer = place();
    const detail = await event(viewer, "vitrine-refused");
    expect(detail).toEqual({ type: "SdTicketValidationError", message: "https://evil.example is not allowed. The owner can add it.", status: 403 });
    const card = within<HTMLElement>(viewer, ".card");
    await vi.waitFor(() => expect(within<HTMLElement>(viewer, ".progress").hidden).toBe(true));
    expect([card.hidden, card.getAttribute("role")]).toEqual([false, "alert"]);
    expect(card.querySelector("h2")?.textContent).toBe("This model cannot be shown here");
    expect(card.querySelector("p")?.textContent).toBe("https://evil.example is not allowed. The owner can add it.");
    expect(card.querySelector("button")).toBeNull();
    expect(warn.mock.calls.flat().join(" ")).toContain("https://evil.example is not allowed");
  });

  test("shows markup of a message as text", async () => {
    api.next("ticket", () => refusal(403, "SdTicketValidationError", "<img src=x onerror=alert(1)>"));
    const viewer = place();
    await event(viewer, "vitrine-refused");
    expect(within(viewer, ".card").querySelector("img")).toBeNull();
  });

  test("of a running session takes the model away", async () => {
    const viewer = await ready();
    api.forget();
    api.next("ticket", () => refusal(403, "SdTicketValidationError", "The ticket was revoked."));
    const refused = event<{ message: string }>(viewer, "vitrine-refused");
    await expect(viewer.customize({ width: 3 })).rejects.toMatchObject({ status: 403 });
    expect((await refused).message).toBe("The ticket was revoked.");
    await vi.waitFor(() => expect(viewports[0]?.clear).toHaveBeenCalled());
    expect(viewer.shadowRoot?.querySelector("form")).toBeNull();
  });

  test("of one action leaves the model where it is", async () => {
    const viewer = await ready();
    api.next("/export", () => refusal(403, "SdErrorForbidden", "This ticket may not export."));
    const failed = event<{ message: string }>(viewer, "vitrine-error");
    within<HTMLButtonElement>(viewer, ".downloads button").click();
    expect((await failed).message).toBe("This ticket may not export.");
    expect(viewer.session).toBeDefined();
  });

  test("for want of a ticket names the attribute", async () => {
    const viewer = place({ ticket: "" });
    expect((await event<{ message: string }>(viewer, "vitrine-refused")).message).toContain("ticket");
    expect(api.calls).toEqual([]);
  });
});

test("a server out of reach can be tried again from the card", async () => {
  api.next("ticket", () => Promise.reject(new TypeError("offline")));
  const viewer = place();
  await event(viewer, "vitrine-error");
  const computed = event(viewer, "vitrine-computed");
  within<HTMLButtonElement>(viewer, ".card button").click();
  await computed;
  expect(within<HTMLElement>(viewer, ".card").hidden).toBe(true);
});

describe("the life of the element", () => {
  test("several attributes in a row open one session", async () => {
    const viewer = await ready();
    viewer.setAttribute("ticket", "ef-01");
    viewer.setAttribute("model-view-url", `${BASE}/`);
    await event(viewer, "vitrine-computed");
    expect(api.count("POST /api/v2/ticket")).toBe(2);
    expect(api.count("POST /api/v2/ticket/ef-01")).toBe(1);
    expect(api.count("/close")).toBe(1);
  });

  test("leaving the page closes the session and frees the picture", async () => {
    const viewer = await ready();
    viewer.remove();
    await vi.waitFor(() => expect(viewports[0]?.dispose).toHaveBeenCalledOnce());
    expect(api.count("POST /api/v2/session/s1/close")).toBe(1);
  });

  test("being moved keeps the session", async () => {
    const viewer = await ready();
    const other = document.createElement("section");
    document.body.append(other);
    other.append(viewer);
    await viewer.customize({ width: 3 });
    expect(api.count("POST /api/v2/ticket")).toBe(1);
    expect(viewports[0]?.dispose).not.toHaveBeenCalled();
    expect(viewports).toHaveLength(1);
  });

  test("a new token serves the running session", async () => {
    const viewer = await ready();
    viewer.setAttribute("jwt", "newer");
    await viewer.customize({ width: 3 });
    expect(api.last("PUT").headers["Authorization"]).toBe("Bearer newer");
    expect(api.count("POST /api/v2/ticket")).toBe(1);
  });

  test("a refreshToken property is asked when the token has expired", async () => {
    const viewer = document.createElement("vitrine-viewer");
    viewer.refreshToken = async () => "fresh";
    viewer.setAttribute("ticket", "ab-cd");
    viewer.setAttribute("model-view-url", BASE);
    document.body.append(viewer);
    await event(viewer, "vitrine-computed");
    api.next("PUT", () => refusal(401, "SdJwtValidationError"));
    await viewer.customize({ width: 3 });
    expect(api.last("PUT").headers["Authorization"]).toBe("Bearer fresh");
  });
});
