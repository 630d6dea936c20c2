/** A programmable Geometry API behind a `fetch`: answers defaults, fails on demand, remembers every call. */
import type { Fetch, Sleep } from "../src/transport.js";
import type { WireExport, WireOutput, WireParameter } from "../src/wire.js";

export interface Call {
  method: string;
  path: string;
  body: unknown;
  headers: Record<string, string>;
}

interface Plan {
  matches: (call: Call) => boolean;
  answer: () => Response | Promise<Response>;
}

export const BASE = "https://vitrine.test";

export const WIDTH: WireParameter = { id: "p-width", name: "width", displayname: "Width", type: "Float", defval: "2.00", min: 1, max: 9, decimalplaces: 2 };
export const LID: WireParameter = { id: "p-lid", name: "lid", type: "Bool", defval: "false" };

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
}

export function refusal(status: number, type: string, message = `${type} was planned`, headers: Record<string, string> = {}): Response {
  return json(status, { error: type, desc: "Planned", message }, headers);
}

export class FakeApi {
  readonly calls: Call[] = [];
  readonly sleeps: number[] = [];
  readonly #plans: Plan[] = [];
  readonly #sessions = new Set<string>();
  parameters: WireParameter[] = [WIDTH, LID];
  exports: WireExport[] = [{ id: "e-stl", name: "STL", type: "download" }];
  #opened = 0;

  /** The next call that matches gets this answer instead of the usual one. */
  next(pattern: string, answer: () => Response | Promise<Response>): void {
    this.#plans.push({ matches: (call) => `${call.method} ${call.path}`.includes(pattern), answer });
  }

  /** Ends all sessions at the server, as expiry does. */
  forget(): void {
    this.#sessions.clear();
  }

  count(pattern: string): number {
    return this.calls.filter((call) => `${call.method} ${call.path}`.includes(pattern)).length;
  }

  last(pattern: string): Call {
    const found = this.calls.filter((call) => `${call.method} ${call.path}`.includes(pattern)).at(-1);
    if (!found) throw new Error(`no call matched ${pattern}`);
    return found;
  }

  readonly sleep: Sleep = async (milliseconds, signal) => {
    signal?.throwIfAborted();
    this.sleeps.push(milliseconds);
  };

  readonly fetch: Fetch = async (input, init = {}) => {
    const call: Call = {
      method: init.method ?? "GET",
      path: new URL(input).pathname,
      body: typeof init.body === "string" ? JSON.parse(init.body) : undefined,
      headers: (init.headers ?? {}) as Record<string, string>,
    };
    this.calls.push(call);
    const planned = this.#plans.findIndex((plan) => plan.matches(call));
    const answer = planned >= 0 ? this.#plans.splice(planned, 1)[0]?.answer() : this.#usual(call);
    return abortable(Promise.resolve(answer as Response | Promise<Response>), init.signal ?? undefined);
  };

  outputs(values: Record<string, string>, session: string, pending = false): Record<string, WireOutput> {
    const version = `v-${values["p-width"]}-${values["p-lid"]}`;
    const href = `${BASE}/api/v2/session/${session}/output/asset-${version}`;
    return {
      "o-model": {
        id: "o-model",
        name: "model",
        version,
        ...(pending ? { delay: 500 } : { content: [{ format: "glb", href }], status_computation: "success" }),
      },
      "o-price": {
        id: "o-price",
        name: "price",
        version: `price-${version}`,
        content: [{ format: "data", data: { label: "Price", value: Number(values["p-width"]) * 10, unit: "EUR" } }],
        status_computation: "success",
      },
    };
  }

  #usual(call: Call): Response {
    if (call.path.startsWith("/api/v2/ticket/")) return this.#open(call);
    const [, session = "", rest = ""] = /^\/api\/v2\/session\/([^/]+)\/(.+)$/.exec(call.path) ?? [];
    if (!this.#sessions.has(session)) return refusal(410, "SdSessionGoneError");
    const body = call.body as Record<string, string>;
    if (rest === "output") return json(200, { outputs: this.outputs({ ...this.#defaults(), ...body }, session) });
    if (rest === "output/cache") return json(200, { outputs: this.#cached(body, session) });
    if (rest === "export" || rest === "export/cache") {
      const content = [{ format: "stl", href: `${BASE}/api/v2/session/${session}/export/file` }];
      return json(200, { exports: { "e-stl": { id: "e-stl", name: "STL", version: "ev", content, filename: "box" } } });
    }
    if (rest === "default") return json(200, { actions: [{ name: "customize" }] });
    if (rest === "close") {
      this.#sessions.delete(session);
      return json(200, { version: "2.5.0" });
    }
    return new Response("bytes", { status: 200 });
  }

  #open(call: Call): Response {
    this.#opened += 1;
    const session = `s${this.#opened}`;
    this.#sessions.add(session);
    return json(201, {
      sessionId: session,
      model: { id: "m", name: "Box" },
      actions: [{ name: "customize" }, { name: "export" }, { name: "close" }],
      parameters: Object.fromEntries(this.parameters.map((parameter) => [parameter.id, parameter])),
      exports: Object.fromEntries(this.exports.map((item) => [item.id, item])),
      outputs: this.outputs({ ...this.#defaults(), ...(call.body as Record<string, string>) }, session),
    });
  }

  #cached(body: Record<string, string>, session: string): Record<string, WireOutput> {
    const [, width = "", lid = ""] = /v-([^-]+)-([^-]+)$/.exec(Object.values(body)[0] ?? "") ?? [];
    return this.outputs({ "p-width": width, "p-lid": lid }, session);
  }

  #defaults(): Record<string, string> {
    return Object.fromEntries(this.parameters.map((parameter) => [parameter.id, parameter.defval ?? ""]));
  }
}

function abortable(answer: Promise<Response>, signal?: AbortSignal): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    answer.then(resolve, reject);
  });
}

/** A promise that the test settles by hand. */
export function gate<T>(): { promise: Promise<T>; open: (value: T) => void } {
  let open: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return { promise, open };
}
