/** The routes behind the page: docs/editor.md. */
import { ANSWER_MS_MAX, DRAWING_MS_MAX, FAREWELL_BYTES_MAX } from "./limits.js";

export interface Lease {
  held: boolean;
  by: string | null;
  seconds: number;
}

export interface Parameters {
  locale?: string | null;
  mobile?: boolean | null;
  whitebackground?: boolean | null;
  workspace?: string | null;
  autosavedisabled?: boolean | null;
  debug?: boolean | null;
}

export interface EditorState {
  session?: string;
  expires: number;
  access: "edit" | "view";
  title: string;
  parameters: Parameters;
  /** Parts of the page that the partner's workspace file shows or hides; null for what it does not speak of. */
  layout?: { commandline: boolean | null; panel: boolean | null; coordinates: boolean | null };
  /** The commands that the page around may run, in upper case; all that there are without it. */
  commands?: string[] | null;
  origins: string[];
  lease: Lease;
  etag: string | null;
  address?: string;
}

export type FailureKind = "refused" | "gone" | "missing" | "stale" | "trouble" | "unreachable";

/** A request that did not do what it was for. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;

  constructor(kind: FailureKind, message: string, { status = 0, code = "", requestId = null as string | null } = {}) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }
}

const KINDS: Record<number, FailureKind> = { 401: "gone", 403: "refused", 404: "missing", 409: "stale", 410: "gone", 412: "stale" };

async function failureOf(answer: Response): Promise<Failure> {
  const body: unknown = await answer.json().catch(() => ({}));
  const { message, code, requestId } = (body ?? {}) as Record<string, unknown>;
  return new Failure(KINDS[answer.status] ?? "trouble", typeof message === "string" ? message : `Status ${answer.status}`, {
    status: answer.status,
    code: typeof code === "string" ? code : "",
    requestId: typeof requestId === "string" ? requestId : null,
  });
}

async function send(path: string, init: RequestInit, ms_max: number): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(ms_max), ...init });
  } catch (error) {
    throw new Failure("unreachable", error instanceof Error ? error.message : String(error));
  }
  if (!answer.ok) throw await failureOf(answer);
  return answer;
}

/** Trades the token of the address for a session; only the session is kept. */
export async function tradeToken(apitoken: string): Promise<{ api: Api; state: EditorState }> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ apitoken }) };
  const state = (await (await send("/editor/session", init, ANSWER_MS_MAX)).json()) as EditorState;
  if (!state.session) throw new Failure("trouble", "The answer holds no session.");
  return { api: new Api(state.session), state };
}

/** What one session may ask for. */
export class Api {
  readonly session: string;

  constructor(session: string) {
    this.session = session;
  }

  #send(path: string, init: RequestInit = {}, ms_max = ANSWER_MS_MAX): Promise<Response> {
    return send(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${this.session}` } }, ms_max);
  }

  async state(): Promise<EditorState> {
    return (await this.#send("/editor/session")).json() as Promise<EditorState>;
  }

  async drawing(): Promise<{ bytes: ArrayBuffer; etag: string | null }> {
    const answer = await this.#send("/editor/drawing", {}, DRAWING_MS_MAX);
    const etag = answer.headers.get("etag");
    try {
      return { bytes: await answer.arrayBuffer(), etag };
    } catch (error) {
      throw new Failure("unreachable", error instanceof Error ? error.message : String(error));
    }
  }

  /** Saves and returns the new version's tag. `farewell`: the page is going away, and the request has to outlive it. */
  async save(seen: string, dxf: string, etag: string, { farewell = false } = {}): Promise<string> {
    // Both texts, one behind the other: what differs between them was done by a person.
    const body = new Blob([seen, dxf], { type: "application/dxf" });
    const init: RequestInit = { method: "PUT", headers: { "if-match": etag }, body };
    if (farewell && body.size <= FAREWELL_BYTES_MAX) init.keepalive = true;
    const answer = await this.#send("/editor/drawing", init, DRAWING_MS_MAX);
    return ((await answer.json()) as { etag: string }).etag;
  }

  async lease(): Promise<Lease> {
    const answer = await this.#send("/editor/lease", { method: "POST" });
    return ((await answer.json()) as { lease: Lease }).lease;
  }

  async giveLeaseBack({ farewell = false } = {}): Promise<void> {
    await this.#send("/editor/lease", { method: "DELETE", keepalive: farewell });
  }
}
