/** One HTTP call: headers, time limit, waiting while the server is busy, errors as `VitrineError`. Knows no session. */
import { VitrineError, errorFromResponse, isAbort, unreachable } from "./errors.js";
import { BUSY_REPEATS_MAX, BUSY_WAIT_MS_DEFAULT, BUSY_WAIT_MS_MAX, GATEWAY_WAIT_MS, REQUEST_MS_MAX } from "./limits.js";

export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;
/** Waits, or rejects with the signal's reason as soon as it is aborted. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

export interface TransportOptions {
  baseUrl: string;
  /** The page around our iframe, told to the server as `X-ShapeDiver-Origin`. */
  embeddingOrigin?: string;
  fetch?: Fetch;
  sleep?: Sleep;
  onWaiting?: (milliseconds: number) => void;
}

export interface CallOptions {
  body?: unknown;
  jwt?: string | undefined;
  signal?: AbortSignal | undefined;
  embedNonce?: string | undefined;
}

export const sleep: Sleep = (milliseconds, signal) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });

export class Transport {
  readonly #baseUrl: string;
  readonly #embeddingOrigin: string | undefined;
  readonly #fetch: Fetch;
  readonly #sleep: Sleep;
  readonly #onWaiting: (milliseconds: number) => void;

  constructor(options: TransportOptions) {
    this.#baseUrl = options.baseUrl.replace(/\/+$/, "");
    this.#embeddingOrigin = options.embeddingOrigin;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#sleep = options.sleep ?? sleep;
    this.#onWaiting = options.onWaiting ?? (() => undefined);
  }

  get sleep(): Sleep {
    return this.#sleep;
  }

  /** Calls an operation of the API (`path` starts with a slash) and returns the JSON of its answer. */
  async json<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (options.body !== undefined) headers["Content-Type"] = "application/json";
    if (options.jwt) headers["Authorization"] = `Bearer ${options.jwt}`;
    if (this.#embeddingOrigin !== undefined) headers["X-ShapeDiver-Origin"] = this.#embeddingOrigin;
    if (options.embedNonce) headers["X-Vitrine-Embed"] = options.embedNonce;
    const init: RequestInit = { method, headers };
    if (options.body !== undefined) init.body = JSON.stringify(options.body);
    const response = await this.#patiently(this.#baseUrl + path, init, options.signal);
    try {
      return (await response.json()) as T;
    } catch (cause) {
      if (isAbort(cause)) throw cause;
      const message = `The model server's answer to ${method} was not JSON. Is ${this.#baseUrl} the right model-view-url?`;
      throw new VitrineError({ type: "", desc: "Unreadable answer", message, status: response.status }, { cause });
    }
  }

  /** Gets an asset by its link. The link is the credential: no headers of ours, hence no preflight either. */
  async asset(href: string, signal?: AbortSignal): Promise<Response> {
    return this.#patiently(href, { method: "GET" }, signal);
  }

  /**
   * Sends a call whose answer nobody waits for, so that it survives the end of the page.
   * Without a token it carries no header either: a preflight would not survive.
   */
  beacon(path: string, jwt?: string): void {
    const headers: Record<string, string> = jwt ? { Authorization: `Bearer ${jwt}` } : {};
    this.#fetch(this.#baseUrl + path, { method: "POST", keepalive: true, headers }).catch(() => undefined);
  }

  async #patiently(url: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
    for (let repeat = 0; ; repeat += 1) {
      const response = await this.#once(url, init, signal);
      if (response.ok) return response;
      const error = await errorFromResponse(response);
      const wait = busyWaitMs(error);
      if (wait === null || repeat >= BUSY_REPEATS_MAX) throw error;
      this.#onWaiting(wait);
      await this.#sleep(wait, signal);
    }
  }

  async #once(url: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
    const limit = AbortSignal.timeout(REQUEST_MS_MAX);
    try {
      return await this.#fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw unreachable(new URL(url).origin, cause);
    }
  }
}

/** Milliseconds to wait before a repeat, or null when a repeat makes no sense. */
function busyWaitMs(error: VitrineError): number | null {
  if (error.status === 502) return GATEWAY_WAIT_MS;
  if (error.status !== 429) return null;
  const wait = error.retryAfterS === undefined ? BUSY_WAIT_MS_DEFAULT : error.retryAfterS * 1000;
  return wait <= BUSY_WAIT_MS_MAX ? wait : null;
}
