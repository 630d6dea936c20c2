/** The Geometry API client: one session with its values, its recovery and its results. */
import { AssetCache } from "./asset-cache.js";
import { Emitter } from "./emitter.js";
import { VitrineError, isAbort } from "./errors.js";
import { LOOK_DEFAULT, lookOf, type Look } from "./look.js";
import { filenameFromDisposition, safeFilename } from "./filename.js";
import { ASSET_BYTES_MAX, ASSET_CACHE_BYTES_MAX, RECOVERY_ROUNDS_MAX } from "./limits.js";
import { pollUntilDone } from "./polling.js";
import { Transport, type Fetch, type Sleep } from "./transport.js";
import { labelOf, toWire, type ParameterValue } from "./values.js";
import type { WireExport, WireOutput, WireParameter, WireSession } from "./wire.js";

export interface SessionOptions {
  /** Embedding ticket of the model; not needed where `model` and a token take its place. */
  ticket?: string | undefined;
  /** Id of the model, for callers whose token alone opens it. */
  model?: string | undefined;
  /** Address of the server, without `/api/v2`. */
  modelViewUrl: string;
  /** Access token, for models that want one besides the ticket. */
  jwt?: string | undefined;
  /** Called when the token is missing or has expired; resolves to a fresh one. */
  refreshToken?: (() => Promise<string>) | undefined;
  /** Values to start with, by parameter id, name or display name. */
  initialValues?: Record<string, ParameterValue> | undefined;
  /** The page around an iframe (`document.referrer`); only pages that live in an iframe set it. */
  embeddingOrigin?: string | undefined;
  /** Only for the server's own iframe page: proof of its load, good for opening one session. */
  embedNonce?: (() => Promise<string | undefined>) | undefined;
  fetch?: Fetch;
  sleep?: Sleep;
}

export interface SessionEvents {
  /** New results for the newest values. */
  outputs: { outputs: WireOutput[]; values: Record<string, string> };
  /** The session was gone and a new one took its place; values and results stay. */
  reopened: { values: Record<string, string> };
  /** The server is busy; the call is repeated after this time. */
  waiting: { milliseconds: number };
  /** A computation began or ended. */
  computing: { active: boolean };
  /** The session was gone and the server refuses another one. */
  lost: { error: VitrineError };
  closed: Record<string, never>;
}

export interface ExportFile {
  blob: Blob;
  filename: string;
  format: string;
  contentType: string;
}

type Values = ReadonlyMap<string, string>;
type Call<T> = (session: string, jwt: string | undefined) => Promise<T>;
type Recovery = (error: unknown, session: string, jwt: string | undefined) => Promise<boolean>;

const TOKEN_ERRORS = new Set(["SdJwtValidationError", "SdTokenMissingError"]);

export class Session {
  readonly #options: SessionOptions;
  readonly #transport: Transport;
  readonly #events = new Emitter<SessionEvents>();
  readonly #assets = new AssetCache(ASSET_CACHE_BYTES_MAX);
  readonly #ended = new AbortController();
  #id = "";
  #jwt: string | undefined;
  #modelName = "";
  #look = LOOK_DEFAULT;
  #actions = new Set<string>();
  #parameters: WireParameter[] = [];
  #exports: WireExport[] = [];
  #outputs: Record<string, WireOutput> = {};
  /** Values of the last answer. */
  #values: Values = new Map();
  /** Values of the last request; ahead of `#values` while it runs. */
  #wanted: Values = new Map();
  #lost = false;
  #computing: AbortController | undefined;
  #reopening: Promise<void> | undefined;
  #refreshing: Promise<void> | undefined;

  /** Opens a session; results may still be pending, `settle` waits for them. */
  static async open(options: SessionOptions, signal?: AbortSignal): Promise<Session> {
    const session = new Session(options);
    const initial = options.initialValues ?? {};
    await session.#open(initial, signal);
    const values = new Map(session.#parameters.map((parameter) => [parameter.id, parameter.defval ?? ""]));
    for (const [key, value] of Object.entries(initial)) {
      const parameter = session.#parameter(key);
      values.set(parameter.id, toWire(parameter, value));
    }
    session.#values = session.#wanted = values;
    return session;
  }

  private constructor(options: SessionOptions) {
    this.#options = options;
    this.#jwt = options.jwt;
    this.#transport = new Transport({
      baseUrl: options.modelViewUrl,
      ...(options.embeddingOrigin === undefined ? {} : { embeddingOrigin: options.embeddingOrigin }),
      ...(options.fetch ? { fetch: options.fetch } : {}),
      ...(options.sleep ? { sleep: options.sleep } : {}),
      onWaiting: (milliseconds) => this.#events.emit("waiting", { milliseconds }),
    });
  }

  /** How the model's author wants it to be shown. */
  get look(): Look {
    return this.#look;
  }

  get modelName(): string {
    return this.#modelName;
  }

  get parameters(): readonly WireParameter[] {
    return this.#parameters;
  }

  get outputs(): readonly WireOutput[] {
    return Object.values(this.#outputs);
  }

  get exports(): readonly WireExport[] {
    return this.#exports;
  }

  /** The API's text of every parameter, by id, as last computed. */
  get values(): Record<string, string> {
    return Object.fromEntries(this.#values);
  }

  get isClosed(): boolean {
    return this.#ended.signal.aborted;
  }

  /** True after the server refused to replace a session that was gone. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** Whether the server offers an action, such as `customize` or `export`, to this session. */
  can(action: string): boolean {
    return this.#actions.has(action);
  }

  on<K extends keyof SessionEvents>(name: K, listener: (detail: SessionEvents[K]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** Replaces the access token for all later calls. */
  setJwt(jwt: string | undefined): void {
    this.#jwt = jwt;
  }

  /** Waits for results that were pending when the session was opened. */
  async settle(): Promise<readonly WireOutput[]> {
    return this.#compute(this.#wanted, async () => this.#outputs);
  }

  /**
   * Computes the model with changed values; what is not named keeps its value.
   * The newest call wins: an older one that still runs rejects with an `AbortError`.
   */
  async customize(changes: Record<string, ParameterValue>): Promise<readonly WireOutput[]> {
    const wanted = new Map(this.#wanted);
    for (const [key, value] of Object.entries(changes)) {
      const parameter = this.#parameter(key);
      wanted.set(parameter.id, toWire(parameter, value));
    }
    this.#wanted = wanted;
    return this.#compute(wanted, async (signal) => {
      const answer = await this.#call(
        (id, jwt) =>
          this.#transport.json<WireSession>("PUT", `/api/v2/session/${id}/output`, {
            body: Object.fromEntries(wanted),
            jwt,
            signal,
          }),
        signal,
      );
      return answer.outputs ?? {};
    });
  }

  /** Computes an export (by id, name or display name) for the current values and fetches its file. */
  async export(key: string): Promise<ExportFile> {
    const definition = this.#find(this.#exports, key, "export");
    const body = { exports: [definition.id], parameters: Object.fromEntries(this.#wanted) };
    const ask = async (path: string): Promise<Record<string, WireExport>> => {
      const answer = await this.#call((id, jwt) =>
        this.#transport.json<WireSession>("PUT", `/api/v2/session/${id}${path}`, {
          body,
          jwt,
          signal: this.#ended.signal,
        }),
      );
      const item = answer.exports?.[definition.id];
      return item ? { [definition.id]: item } : {};
    };
    const done = async (first: Record<string, WireExport>): Promise<WireExport> => {
      const items = await pollUntilDone(first, () => ask("/export/cache"), this.#transport.sleep, this.#ended.signal);
      return items[definition.id] ?? definition;
    };
    let item = await done(await ask("/export"));
    const response = await this.#download(
      () => item.content?.[0]?.href,
      async () => {
        item = await done(await ask("/export/cache"));
      },
      () => failure(item, `The file “${labelOf(definition)}” could not be made`),
    );
    const format = item.content?.[0]?.format ?? "bin";
    const named = filenameFromDisposition(response.headers.get("Content-Disposition"));
    const fallback = item.filename ?? ([this.#modelName, labelOf(definition)].filter(Boolean).join(" ") || "model");
    return {
      blob: await response.blob(),
      filename: safeFilename(named ?? fallback, format),
      format,
      contentType: item.content?.[0]?.contentType ?? response.headers.get("Content-Type") ?? "application/octet-stream",
    };
  }

  /** Bytes of one content item of an output; recent ones come from memory. */
  async asset(output: WireOutput, index: number, signal?: AbortSignal): Promise<ArrayBuffer> {
    let current: WireOutput | undefined = output;
    const key = `${output.id}/${output.version}/${index}`;
    const known = this.#assets.get(key);
    if (known) return known;
    const response = await this.#download(
      () => current?.content?.[index]?.href,
      async () => {
        current = (await this.#askOutputs({ [output.id]: output }, signal))[output.id];
      },
      () => failure(current, "The model's geometry is missing"),
      signal,
    );
    if (Number(response.headers.get("Content-Length") ?? 0) > ASSET_BYTES_MAX) {
      const message = `The model's geometry is larger than ${ASSET_BYTES_MAX / 1024 / 1024} MB. Ask the model's owner for a lighter one.`;
      throw new VitrineError({ type: "", desc: "Asset too large", message, status: 0 });
    }
    const bytes = await response.arrayBuffer();
    this.#assets.put(key, bytes);
    return bytes;
  }

  /** Ends the session at the server. Closing twice, or closing what has expired, is no error. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.#end();
    try {
      await this.#transport.json("POST", `/api/v2/session/${this.#id}/close`, { jwt: this.#jwt });
    } catch (error) {
      if (!(error instanceof VitrineError && error.type === "SdSessionGoneError")) throw error;
    }
  }

  /** Ends the session without waiting for the answer, also while the page goes away. */
  closeInBackground(): void {
    if (this.isClosed) return;
    this.#end();
    this.#transport.beacon(`/api/v2/session/${this.#id}/close`, this.#jwt);
  }

  #end(): void {
    this.#ended.abort(new DOMException("The session was closed", "AbortError"));
    this.#assets.clear();
    this.#events.emit("closed", {});
  }

  async #open(initial: Record<string, ParameterValue>, signal?: AbortSignal): Promise<void> {
    const body = Object.fromEntries(Object.entries(initial).map(([key, value]) => [key, String(value)]));
    const { ticket, model } = this.#options;
    const path = ticket ? `/api/v2/ticket/${encodeURIComponent(ticket)}` : `/api/v2/model/${encodeURIComponent(model ?? "")}/session`;
    const answer = await this.#repeat(
      async (_id, jwt) => {
        const embedNonce = await this.#options.embedNonce?.();
        return this.#transport.json<WireSession>("POST", path, { body, jwt, signal, embedNonce });
      },
      async (error, _id, jwt) => {
        // A proof that came too late, or was used up by an answer that got lost: the next one is fresh.
        const late = error instanceof VitrineError && error.code === "embed-unproven";
        return (late && this.#options.embedNonce !== undefined) || this.#recoverToken(error, jwt);
      },
      signal,
    );
    this.#adopt(answer);
  }

  #adopt(answer: WireSession): void {
    if (!answer.sessionId) {
      const message = "The server opened no session. Is model-view-url the address of a Geometry API server?";
      throw new VitrineError({ type: "", desc: "No session in the answer", message, status: 0 });
    }
    this.#id = encodeURIComponent(answer.sessionId);
    this.#modelName = answer.model?.name ?? "";
    this.#look = lookOf(answer.viewer?.config);
    this.#adoptActions(answer);
    this.#parameters = Object.values(answer.parameters ?? {});
    this.#exports = Object.values(answer.exports ?? {});
    this.#outputs = answer.outputs ?? {};
  }

  #adoptActions(answer: WireSession): void {
    this.#actions = new Set((answer.actions ?? []).map((action) => action.name));
  }

  async #compute(
    wanted: Values,
    start: (signal: AbortSignal) => Promise<Record<string, WireOutput>>,
  ): Promise<readonly WireOutput[]> {
    this.#computing?.abort(new DOMException("A newer change replaced this one", "AbortError"));
    const computing = new AbortController();
    this.#computing = computing;
    this.#events.emit("computing", { active: true });
    const signal = AbortSignal.any([computing.signal, this.#ended.signal]);
    try {
      signal.throwIfAborted();
      const first = await start(signal);
      const outputs = await pollUntilDone(first, (now) => this.#askOutputs(now, signal), this.#transport.sleep, signal);
      signal.throwIfAborted();
      this.#outputs = { ...this.#outputs, ...outputs };
      this.#values = wanted;
      this.#events.emit("outputs", { outputs: [...this.outputs], values: this.values });
      return this.outputs;
    } catch (error) {
      // Values that the server does not take must not poison every later change.
      const bad = error instanceof VitrineError && error.status === 400;
      if (bad && this.#wanted === wanted) this.#wanted = this.#values;
      throw error;
    } finally {
      if (this.#computing === computing) {
        this.#computing = undefined;
        this.#events.emit("computing", { active: false });
      }
    }
  }

  /** Asks for known versions again: results that were pending, or fresh links. */
  async #askOutputs(items: Record<string, WireOutput>, signal?: AbortSignal): Promise<Record<string, WireOutput>> {
    const body = Object.fromEntries(
      Object.entries(items).flatMap(([id, item]) => (item.version === undefined ? [] : [[id, item.version]])),
    );
    const answer = await this.#call(
      (id, jwt) =>
        this.#transport.json<WireSession>("PUT", `/api/v2/session/${id}/output/cache`, { body, jwt, signal }),
      signal,
    );
    return answer.outputs ?? {};
  }

  /** Follows an asset link. A link that died with its session or token is asked for anew, with the usual recovery. */
  async #download(
    href: () => string | undefined,
    renew: () => Promise<void>,
    missing: () => VitrineError,
    signal: AbortSignal = this.#ended.signal,
  ): Promise<Response> {
    for (let round = 0; ; round += 1) {
      const link = href();
      if (link === undefined) throw missing();
      try {
        return await this.#transport.asset(link, signal);
      } catch (error) {
        const dead = error instanceof VitrineError && [401, 403, 410].includes(error.status);
        if (!dead || this.isClosed || round >= RECOVERY_ROUNDS_MAX) throw error;
        await this.#recover(error, this.#id, this.#jwt);
        await renew();
      }
    }
  }

  /** A call of an open session. */
  async #call<T>(call: Call<T>, signal?: AbortSignal): Promise<T> {
    return this.#repeat(call, (error, id, jwt) => this.#recover(error, id, jwt), signal);
  }

  /** Runs a call and repeats it after a recovery that helped. */
  async #repeat<T>(call: Call<T>, recover: Recovery, signal?: AbortSignal): Promise<T> {
    for (let round = 0; ; round += 1) {
      const [id, jwt] = [this.#id, this.#jwt];
      try {
        return await call(id, jwt);
      } catch (error) {
        if (isAbort(error) || this.isClosed || round >= RECOVERY_ROUNDS_MAX) throw error;
        if (!(await recover(error, id, jwt))) throw error;
        signal?.throwIfAborted();
      }
    }
  }

  /** True when the cause of the error is mended; calls that failed together share one recovery. */
  async #recover(error: unknown, id: string, jwt: string | undefined): Promise<boolean> {
    if (!(error instanceof VitrineError) || error.type !== "SdSessionGoneError") return this.#recoverToken(error, jwt);
    if (this.#id === id) {
      this.#reopening ??= this.#reopen().finally(() => (this.#reopening = undefined));
      await this.#reopening;
    }
    return true;
  }

  async #recoverToken(error: unknown, jwt: string | undefined): Promise<boolean> {
    if (!(error instanceof VitrineError) || !TOKEN_ERRORS.has(error.type) || !this.#options.refreshToken) return false;
    if (this.#jwt === jwt) {
      this.#refreshing ??= this.#refresh(error).finally(() => (this.#refreshing = undefined));
      await this.#refreshing;
    }
    return true;
  }

  async #reopen(): Promise<void> {
    const outputs = this.#outputs;
    console.warn("Vitrine: the session was gone; opening a new one with the current values.");
    try {
      await this.#open(this.values, this.#ended.signal);
    } catch (error) {
      if (error instanceof VitrineError && error.isRefusal) {
        this.#lost = true;
        this.#events.emit("lost", { error });
      }
      throw error;
    }
    // Versions are the same in every session: what is on screen stays valid, only links are new.
    this.#outputs = { ...outputs, ...withContent(this.#outputs) };
    this.#events.emit("reopened", { values: this.values });
  }

  async #refresh(cause: VitrineError): Promise<void> {
    try {
      this.#jwt = await this.#options.refreshToken?.();
    } catch (refused) {
      console.warn("Vitrine: the page's refreshToken callback failed.", refused);
      throw cause;
    }
    if (this.#id === "") return;
    try {
      const path = `/api/v2/session/${this.#id}/default`;
      this.#adoptActions(await this.#transport.json<WireSession>("GET", path, { jwt: this.#jwt }));
    } catch (error) {
      // The repeated call meets the same trouble and counts its rounds.
      if (!(error instanceof VitrineError)) throw error;
    }
  }

  #parameter(key: string): WireParameter {
    return this.#find(this.#parameters, key, "parameter");
  }

  /** Finds by id, then name, then display name: the order in which the server resolves keys. */
  #find<T extends { id: string; name: string; displayname?: string }>(items: T[], key: string, what: string): T {
    const found =
      items.find((item) => item.id === key) ??
      items.find((item) => item.name === key) ??
      items.find((item) => item.displayname === key);
    if (found) return found;
    const known = items.map((item) => `“${labelOf(item)}”`).join(", ") || "none";
    const message = `The model has no ${what} “${key}”. It has: ${known}.`;
    throw new VitrineError({ type: "SdParameterValidationError", desc: `Unknown ${what}`, message, status: 400 });
  }
}

/** Outputs that carry results; a definition without them must not overwrite a result. */
function withContent(outputs: Record<string, WireOutput>): Record<string, WireOutput> {
  return Object.fromEntries(Object.entries(outputs).filter(([, output]) => output.content !== undefined));
}

interface Result {
  msg?: string;
  status_computation?: string;
  status_collect?: string;
}

/** Why a result is missing, or null when it was computed. */
export function failureOf(result: Result): string | null {
  const status = [result.status_computation, result.status_collect].find((word) => word !== undefined && word !== "success");
  return status === undefined ? null : result.msg || `The computation ended with “${status}”.`;
}

function failure(result: Result | undefined, what: string): VitrineError {
  const why = (result && failureOf(result)) || "The server sent no link to it.";
  return new VitrineError({ type: "", desc: what, message: `${what}. ${why}`, status: 0 });
}
