import { beforeEach, describe, expect, test, vi } from "vitest";
import { Session, type SessionOptions } from "../src/client.js";
import { VitrineError } from "../src/errors.js";
import { BUSY_REPEATS_MAX, POLL_MS_MAX, POLL_TOTAL_MS_MAX, RECOVERY_ROUNDS_MAX } from "../src/limits.js";
import type { WireOutput } from "../src/wire.js";
import { BASE, FakeApi, gate, json, refusal } from "./fake-api.js";

let api: FakeApi;

beforeEach(() => {
  api = new FakeApi();
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

function open(options: Partial<SessionOptions> = {}): Promise<Session> {
  return Session.open({ ticket: "ab-cd", modelViewUrl: BASE, fetch: api.fetch, sleep: api.sleep, ...options });
}

function model(session: Session): WireOutput {
  return session.outputs.find((output) => output.id === "o-model") as WireOutput;
}

async function errorOf(promise: Promise<unknown>): Promise<VitrineError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VitrineError);
  return error as VitrineError;
}

describe("opening", () => {
  test("the ticket opens a session with the model's defaults", async () => {
    const session = await open();
    expect(session.values).toEqual({ "p-width": "2.00", "p-lid": "false" });
    expect(session.modelName).toBe("Box");
    expect(session.can("export")).toBe(true);
    expect(api.last("POST /api/v2/ticket/ab-cd").body).toEqual({});
  });

  test("initial values may be named by display name and arrive in the API's form", async () => {
    const session = await open({ initialValues: { Width: 3 } });
    expect(session.values["p-width"]).toBe("3.00");
  });

  test("a trailing slash of the address is no part of the path", async () => {
    await open({ modelViewUrl: `${BASE}/` });
    expect(api.calls[0]?.path).toBe("/api/v2/ticket/ab-cd");
  });

  test("the page around a frame is told only when there is one", async () => {
    await open();
    expect(api.calls[0]?.headers).not.toHaveProperty("X-ShapeDiver-Origin");
    await open({ embeddingOrigin: "https://shop.example/page" });
    expect(api.last("POST").headers["X-ShapeDiver-Origin"]).toBe("https://shop.example/page");
  });

  test("a refusal keeps type, message and status", async () => {
    api.next("ticket", () => refusal(403, "SdTicketValidationError", "The origin https://a.example is not allowed."));
    const error = await errorOf(open());
    expect(error).toMatchObject({ type: "SdTicketValidationError", status: 403, message: "The origin https://a.example is not allowed." });
    expect(error.isRefusal).toBe(true);
  });

  test("an answer that is not the API's still becomes a sentence", async () => {
    api.next("ticket", () => new Response("<h1>Bad gateway</h1>", { status: 500 }));
    expect((await errorOf(open())).message).toContain("status 500");
    api.next("ticket", () => new Response("<h1>Hello</h1>", { status: 200 }));
    expect((await errorOf(open())).message).toContain("model-view-url");
  });

  test("a server that does not answer is named", async () => {
    api.next("ticket", () => Promise.reject(new TypeError("Failed to fetch")));
    const error = await errorOf(open());
    expect(error.message).toContain(BASE);
    expect(error.isRefusal).toBe(false);
  });
});

describe("customizing", () => {
  test("all values are sent, not only the changed one", async () => {
    const session = await open();
    await session.customize({ lid: true });
    expect(api.last("PUT").body).toEqual({ "p-width": "2.00", "p-lid": "true" });
    expect(session.values["p-lid"]).toBe("true");
  });

  test("pending outputs are asked for by version until they are there", async () => {
    const session = await open();
    api.next("PUT /api/v2/session/s1/output", () => json(200, { outputs: api.outputs({ "p-width": "4.00", "p-lid": "false" }, "s1", true) }));
    api.next("output/cache", () => json(200, { outputs: api.outputs({ "p-width": "4.00", "p-lid": "false" }, "s1", true) }));
    const outputs = await session.customize({ width: 4 });
    expect(api.count("output/cache")).toBe(2);
    expect(api.last("output/cache").body).toEqual({ "o-model": "v-4.00-false", "o-price": "price-v-4.00-false" });
    expect(api.sleeps).toEqual([500, 500]);
    expect(outputs.find((output) => output.id === "o-model")?.content).toHaveLength(1);
  });

  test("outputs that are pending after opening are settled", async () => {
    api.next("ticket", () =>
      json(201, { sessionId: "s9", actions: [], parameters: {}, outputs: { o: { id: "o", name: "o", version: "v", delay: 300 } } }),
    );
    api.next("output/cache", () => json(200, { outputs: { o: { id: "o", name: "o", version: "v", content: [] } } }));
    const session = await open();
    await session.settle();
    expect(session.outputs[0]?.content).toEqual([]);
  });

  test("polling ends after the longest computation that is allowed", async () => {
    const session = await open();
    const pending = (): Response => json(200, { outputs: { o: { id: "o", name: "o", version: "v", delay: 9_999_999 } } });
    for (let i = 0; i <= POLL_TOTAL_MS_MAX / POLL_MS_MAX + 1; i += 1) api.next("/output", pending);
    const error = await errorOf(session.customize({ width: 5 }));
    expect(error.message).toContain("ten minutes");
    expect(api.sleeps).toHaveLength(POLL_TOTAL_MS_MAX / POLL_MS_MAX);
  });

  test("the newest change wins and keeps what an older one changed", async () => {
    const session = await open();
    const slow = gate<Response>();
    api.next("PUT", () => slow.promise);
    const older = session.customize({ width: 5 });
    const newer = session.customize({ lid: true });
    await expect(older).rejects.toMatchObject({ name: "AbortError" });
    slow.open(json(200, { outputs: {} }));
    await newer;
    expect(session.values).toEqual({ "p-width": "5.00", "p-lid": "true" });
  });

  test("values that the server refuses do not stick", async () => {
    const session = await open();
    api.next("PUT", () => refusal(400, "SdParameterValidationError", "Width is too large."));
    expect((await errorOf(session.customize({ width: 9 }))).message).toBe("Width is too large.");
    await session.customize({ lid: true });
    expect(api.last("PUT").body).toEqual({ "p-width": "2.00", "p-lid": "true" });
  });

  test("an unknown parameter is named together with those that exist", async () => {
    const session = await open();
    expect((await errorOf(session.customize({ height: 1 }))).message).toBe("The model has no parameter “height”. It has: “Width”, “lid”.");
  });
});

describe("a session that is gone", () => {
  test("is replaced with the current values and the call is repeated", async () => {
    const session = await open();
    await session.customize({ width: 3 });
    api.forget();
    await session.customize({ lid: true });
    expect(api.count("POST /api/v2/ticket")).toBe(2);
    expect(api.last("POST /api/v2/ticket").body).toEqual({ "p-width": "3.00", "p-lid": "false" });
    expect(api.last("PUT").path).toBe("/api/v2/session/s2/output");
    expect(session.values).toEqual({ "p-width": "3.00", "p-lid": "true" });
  });

  test("is replaced once for calls that fail together", async () => {
    const session = await open();
    api.forget();
    await Promise.all([session.export("STL"), session.customize({ width: 4 }), session.asset(model(session), 0)]);
    expect(api.count("POST /api/v2/ticket")).toBe(2);
  });

  test("is replaced for asset downloads too, whose links are asked for anew", async () => {
    const session = await open();
    api.forget();
    const bytes = await session.asset(model(session), 0);
    expect(new TextDecoder().decode(bytes)).toBe("bytes");
    expect(api.last("GET").path).toBe("/api/v2/session/s2/output/asset-v-2.00-false");
    expect(api.last("output/cache").body).toEqual({ "o-model": "v-2.00-false" });
  });

  test("is given up after the last round", async () => {
    const session = await open();
    for (let i = 0; i <= RECOVERY_ROUNDS_MAX; i += 1) api.next("PUT", () => refusal(410, "SdSessionGoneError"));
    expect((await errorOf(session.customize({ width: 3 }))).type).toBe("SdSessionGoneError");
    expect(api.count("PUT")).toBe(RECOVERY_ROUNDS_MAX + 1);
    expect(api.count("POST /api/v2/ticket")).toBe(RECOVERY_ROUNDS_MAX + 1);
  });

  test("ends the viewer's work when the server refuses another one", async () => {
    const session = await open();
    const lost = vi.fn();
    session.on("lost", lost);
    api.forget();
    api.next("ticket", () => refusal(403, "SdTicketValidationError", "The ticket was revoked."));
    expect((await errorOf(session.customize({ width: 3 }))).message).toBe("The ticket was revoked.");
    expect(lost).toHaveBeenCalledOnce();
    expect(session.isLost).toBe(true);
  });

  test("is told apart by its type alone: another 410 is an ordinary error", async () => {
    const session = await open();
    api.next("PUT", () => refusal(410, "SdResourceGoneError"));
    expect((await errorOf(session.customize({ width: 3 }))).type).toBe("SdResourceGoneError");
    expect(api.count("POST /api/v2/ticket")).toBe(1);
  });
});

describe("access tokens", () => {
  test.each(["SdJwtValidationError", "SdTokenMissingError"])("%s asks the page for a fresh one and repeats the call", async (type) => {
    const refreshToken = vi.fn(async () => "fresh");
    const session = await open({ jwt: "old", refreshToken });
    api.next("PUT", () => refusal(401, type));
    await session.customize({ width: 3 });
    expect(refreshToken).toHaveBeenCalledOnce();
    expect(api.count("GET /api/v2/session/s1/default")).toBe(1);
    expect(api.last("PUT").headers["Authorization"]).toBe("Bearer fresh");
    expect(session.can("export")).toBe(false);
  });

  test("opening a session asks for a fresh one too", async () => {
    api.next("ticket", () => refusal(401, "SdTokenMissingError"));
    await open({ refreshToken: async () => "fresh" });
    expect(api.last("POST").headers["Authorization"]).toBe("Bearer fresh");
    expect(api.count("default")).toBe(0);
  });

  test("without a callback the refusal is passed on", async () => {
    const session = await open({ jwt: "old" });
    api.next("PUT", () => refusal(401, "SdJwtValidationError"));
    expect((await errorOf(session.customize({ width: 3 }))).type).toBe("SdJwtValidationError");
  });

  test("a callback that fails passes the refusal on", async () => {
    const session = await open({ jwt: "old", refreshToken: () => Promise.reject(new Error("logged out")) });
    api.next("PUT", () => refusal(401, "SdJwtValidationError"));
    expect((await errorOf(session.customize({ width: 3 }))).type).toBe("SdJwtValidationError");
  });

  test("are asked for at most as often as the rounds allow", async () => {
    const refreshToken = vi.fn(async () => "still bad");
    const session = await open({ jwt: "old", refreshToken });
    for (let i = 0; i < 9; i += 1) api.next("PUT", () => refusal(401, "SdJwtValidationError"));
    await errorOf(session.customize({ width: 3 }));
    expect(api.count("PUT")).toBe(RECOVERY_ROUNDS_MAX + 1);
  });

  test("never travel with an asset link, which is a credential of its own", async () => {
    const session = await open({ jwt: "token", embeddingOrigin: "https://shop.example/" });
    await session.asset(model(session), 0);
    expect(api.last("GET").headers).toEqual({});
  });
});

describe("a busy server", () => {
  test("is asked again after Retry-After", async () => {
    const session = await open();
    const waiting = vi.fn();
    session.on("waiting", waiting);
    api.next("PUT", () => refusal(429, "SdRateLimitErrorGeneric", "busy", { "Retry-After": "7" }));
    await session.customize({ width: 3 });
    expect(api.sleeps).toEqual([7000]);
    expect(waiting).toHaveBeenCalledWith({ milliseconds: 7000 });
  });

  test("is not waited for when that would take longer than a visitor stays", async () => {
    const session = await open();
    api.next("PUT", () => refusal(429, "SdRateLimitErrorGeneric", "Ten sessions per hour.", { "Retry-After": "3600" }));
    expect(await errorOf(session.customize({ width: 3 }))).toMatchObject({ status: 429, retryAfterS: 3600 });
    expect(api.sleeps).toEqual([]);
  });

  test("is given up after the last repeat", async () => {
    const session = await open();
    for (let i = 0; i <= BUSY_REPEATS_MAX; i += 1) api.next("PUT", () => refusal(502, "SdConnectorError"));
    await errorOf(session.customize({ width: 3 }));
    expect(api.count("PUT")).toBe(BUSY_REPEATS_MAX + 1);
  });
});

describe("exports", () => {
  test("are computed for the current values and named by the server", async () => {
    const session = await open();
    await session.customize({ width: 3 });
    api.next("GET", () => new Response("solid", { headers: { "Content-Disposition": `attachment; filename="a.stl"; filename*=UTF-8''K%C3%A4stchen.stl` } }));
    const file = await session.export("STL");
    expect(api.last("PUT").body).toEqual({ exports: ["e-stl"], parameters: { "p-width": "3.00", "p-lid": "false" } });
    expect(file.filename).toBe("Kästchen.stl");
    expect(await file.blob.text()).toBe("solid");
  });

  test("are polled with the complete request", async () => {
    const session = await open();
    api.next("/export", () => json(200, { exports: { "e-stl": { id: "e-stl", name: "STL", version: "ev", delay: 250 } } }));
    const file = await session.export("e-stl");
    expect(api.last("export/cache").body).toEqual({ exports: ["e-stl"], parameters: session.values });
    expect(file.filename).toBe("box.stl");
  });

  test("that failed say why", async () => {
    const session = await open();
    api.next("/export", () =>
      json(200, { exports: { "e-stl": { id: "e-stl", name: "STL", version: "ev", content: [], status_computation: "timeout", msg: "It took too long." } } }),
    );
    expect((await errorOf(session.export("STL"))).message).toBe("The file “STL” could not be made. It took too long.");
  });
});

describe("assets", () => {
  test("are fetched once per version", async () => {
    const session = await open();
    await session.asset(model(session), 0);
    await session.asset(model(session), 0);
    expect(api.count("GET")).toBe(1);
    await session.customize({ width: 3 });
    await session.asset(model(session), 0);
    expect(api.count("GET")).toBe(2);
  });
});

describe("closing", () => {
  test("tells the server once and stops everything that runs", async () => {
    const session = await open();
    const never = gate<Response>();
    api.next("PUT", () => never.promise);
    const running = session.customize({ width: 3 });
    await session.close();
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
    await session.close();
    expect(api.count("POST /api/v2/session/s1/close")).toBe(1);
  });

  test("of a session that has expired is no error", async () => {
    const session = await open();
    api.forget();
    await expect(session.close()).resolves.toBeUndefined();
    expect(api.count("POST /api/v2/ticket")).toBe(1);
  });

  test("in the background sends no header, so that the end of the page does not stop it", async () => {
    const session = await open();
    session.closeInBackground();
    expect(api.last("close").headers).toEqual({});
  });
});
