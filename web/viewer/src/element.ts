/** `<vitrine-viewer>`: one model with its picture, its parameters and its downloads. */
import tokensCss from "../../tokens/tokens.css?inline";
import { Session, failureOf, type ExportFile } from "./client.js";
import { factsOf, formatFact, type Fact } from "./data.js";
import { sheet } from "./dom.js";
import { VitrineError, isAbort, unreachable } from "./errors.js";
import { DRAG_PAUSE_MS } from "./limits.js";
import { Panel } from "./panel.js";
import { Stage } from "./stage.js";
import { TEXTS } from "./texts.js";
import type { ParameterValue } from "./values.js";
import viewerCss from "./viewer.css?inline";
import type { Viewport, ViewportItem } from "./viewport.js";
import type { WireOutput } from "./wire.js";

/** What the events of the element carry in `detail`. */
export interface ViewerEvents {
  "vitrine-session": { modelName: string; parameters: Session["parameters"]; outputs: Session["outputs"]; exports: Session["exports"]; values: Record<string, string> };
  "vitrine-computed": { values: Record<string, string>; outputs: readonly WireOutput[]; facts: Fact[]; failures: Record<string, string> };
  "vitrine-exported": { id: string; filename: string; format: string; sizeBytes: number };
  "vitrine-refused": { type: string; message: string; status: number };
  "vitrine-error": { type: string; message: string; status: number };
}

/** Attributes whose change needs another session. */
const IDENTITY = ["ticket", "model", "model-view-url", "embedding-origin"];

const MODEL_VIEW_URL_DEFAULT = new URL(import.meta.url).origin;

let sheets: CSSStyleSheet[] | undefined;

export class VitrineViewer extends HTMLElement {
  static readonly observedAttributes = [...IDENTITY, "jwt", "parameters"];

  readonly #stage: Stage;
  #refreshToken: (() => Promise<string>) | undefined;
  #embedNonce: (() => Promise<string | undefined>) | undefined;
  #session: Session | undefined;
  #panel: Panel | undefined;
  #viewport: Promise<Viewport> | undefined;
  #run: AbortController | undefined;
  #startPlanned = false;
  /** The last geometry of each output that was computed well. */
  #good = new Map<string, ViewportItem>();
  #changes: Record<string, string> = {};
  #dragTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #leave = (event: PageTransitionEvent): void => {
    // A page kept for the back button may come back; its session is recovered or still there.
    if (!event.persisted) this.#session?.closeInBackground();
  };

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    sheets ??= [sheet(tokensCss), sheet(viewerCss)];
    root.adoptedStyleSheets = sheets;
    this.#stage = new Stage({
      fit: () => void this.#viewport?.then((viewport) => viewport.fit()).catch(() => undefined),
    });
    root.append(this.#stage.frame);
  }

  /** Called when the server wants another access token; resolves to it. */
  get refreshToken(): (() => Promise<string>) | undefined {
    return this.#refreshToken;
  }

  set refreshToken(callback: (() => Promise<string>) | undefined) {
    this.#refreshToken = callback;
  }

  /** For the server's own iframe page alone, see `SessionOptions`. */
  get embedNonce(): (() => Promise<string | undefined>) | undefined {
    return this.#embedNonce;
  }

  set embedNonce(callback: (() => Promise<string | undefined>) | undefined) {
    this.#embedNonce = callback;
  }

  /** The open session, for pages with controls of their own. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** The picture, once there was a model to show. */
  get viewport(): Promise<Viewport> | undefined {
    return this.#viewport;
  }

  /** Changes parameters by id, name or display name. Rejects with an `AbortError` when a newer change replaces this one. */
  async customize(values: Record<string, ParameterValue>): Promise<readonly WireOutput[]> {
    return this.#opened().customize(values);
  }

  /** Computes an export and returns its file without saving it. */
  async export(key: string): Promise<ExportFile> {
    return this.#opened().export(key);
  }

  connectedCallback(): void {
    this.#upgradeProperty("refreshToken");
    this.#upgradeProperty("embedNonce");
    addEventListener("pagehide", this.#leave);
    // An element that was only moved still has what it needs.
    if (!this.#run || this.#run.signal.aborted) this.#planStart();
  }

  disconnectedCallback(): void {
    removeEventListener("pagehide", this.#leave);
    // Moving an element disconnects and connects it within one task.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#stop();
      void this.#viewport?.then((viewport) => viewport.dispose()).catch(() => undefined);
      this.#viewport = undefined;
    });
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after || !this.isConnected) return;
    if (name === "parameters") this.#layOut();
    else if (name === "jwt" && this.#session) this.#session.setJwt(after ?? undefined);
    else this.#planStart();
  }

  #opened(): Session {
    if (this.#session) return this.#session;
    const message = "The viewer has no session yet. Wait for its vitrine-session event.";
    throw new VitrineError({ type: "", desc: "No session", message, status: 0 });
  }

  /** A property that was set before the element's code arrived hides the accessor: move it inside. */
  #upgradeProperty<K extends "refreshToken" | "embedNonce">(name: K): void {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete (this as Partial<VitrineViewer>)[name];
    (this as VitrineViewer)[name] = value;
  }

  /** Several attributes are often set in a row: one start serves them all. */
  #planStart(): void {
    if (this.#startPlanned) return;
    this.#startPlanned = true;
    queueMicrotask(() => {
      this.#startPlanned = false;
      if (this.isConnected) void this.#start();
    });
  }

  #stop(): void {
    clearTimeout(this.#dragTimer);
    this.#changes = {};
    this.#run?.abort(new DOMException("The viewer was closed", "AbortError"));
    this.#session?.closeInBackground();
    this.#session = undefined;
    this.#panel = undefined;
    this.#good.clear();
    this.#stage.reset();
  }

  async #start(): Promise<void> {
    this.#stop();
    const ticket = this.getAttribute("ticket");
    const model = this.getAttribute("model");
    void this.#viewport?.then((viewport) => viewport.clear()).catch(() => undefined);
    const run = new AbortController();
    this.#run = run;
    if (!ticket && !model) {
      this.#refuse(new VitrineError({ type: "", desc: "No ticket", message: TEXTS.noTicket, status: 401 }));
      return;
    }
    const done = this.#stage.begin();
    try {
      // The picture's code loads beside the session. The picture itself waits for a model: a refused page needs none.
      import("./viewport.js").catch(() => undefined);
      const session = await Session.open(
        {
          ticket: ticket ?? undefined,
          model: model ?? undefined,
          modelViewUrl: this.getAttribute("model-view-url") || MODEL_VIEW_URL_DEFAULT,
          jwt: this.getAttribute("jwt") ?? undefined,
          refreshToken: this.#refreshToken && (() => this.#freshToken()),
          embedNonce: this.#embedNonce,
          embeddingOrigin: this.getAttribute("embedding-origin") ?? undefined,
        },
        run.signal,
      );
      if (run.signal.aborted) {
        session.closeInBackground();
        return;
      }
      this.#adopt(session, run.signal);
      await session.settle();
    } catch (error) {
      if (!run.signal.aborted) this.#report(error);
    } finally {
      done();
    }
  }

  async #freshToken(): Promise<string> {
    const token = await this.#refreshToken?.();
    if (!token) throw new Error("refreshToken returned no token");
    return token;
  }

  #openViewport(): Promise<Viewport> {
    if (!this.#viewport) {
      const opening = this.#createViewport();
      this.#viewport = opening;
      // A failure is not kept: the next attempt may succeed.
      opening.catch(() => {
        if (this.#viewport === opening) this.#viewport = undefined;
      });
    }
    return this.#viewport;
  }

  async #createViewport(): Promise<Viewport> {
    const { Viewport } = await import("./viewport.js").catch((cause: unknown) => {
      throw unreachable(new URL(import.meta.url).origin, cause);
    });
    // Whoever left the page before the code arrived shall not wait for a picture that nobody sees.
    if (!this.isConnected) throw new DOMException("The viewer was closed", "AbortError");
    try {
      const viewport = new Viewport(this.#stage.picture);
      viewport.canvas.tabIndex = 0;
      viewport.canvas.setAttribute("role", "application");
      viewport.canvas.setAttribute("aria-label", TEXTS.picture(this.#session?.modelName ?? ""));
      return viewport;
    } catch (cause) {
      throw new VitrineError({ type: "", desc: "No WebGL", message: TEXTS.noWebGl, status: 0 }, { cause });
    }
  }

  #adopt(session: Session, signal: AbortSignal): void {
    this.#session = session;
    let done: (() => void) | undefined;
    session.on("computing", ({ active }) => {
      if (active) done ??= this.#stage.begin();
      else done = void done?.();
    });
    session.on("outputs", ({ outputs }) => void this.#present(session, outputs, signal));
    session.on("waiting", ({ milliseconds }) => this.#stage.note(TEXTS.busy(Math.ceil(milliseconds / 1000))));
    session.on("lost", ({ error }) => this.#report(error));
    this.#stage.setBackground(session.look.background);
    const { parameters, exports } = session;
    this.#panel = new Panel(
      session.can("customize") ? parameters : [],
      session.can("export") ? exports : [],
      this.#locale,
      {
        change: (id, wire, phase) => this.#change(id, wire, phase === "drag" ? DRAG_PAUSE_MS : 0),
        download: (id) => this.#download(id),
      },
    );
    this.#layOut();
    void this.#viewport
      ?.then((viewport) => viewport.canvas.setAttribute("aria-label", TEXTS.picture(session.modelName)))
      .catch(() => undefined);
    this.#tell("vitrine-session", {
      modelName: session.modelName,
      parameters,
      outputs: session.outputs,
      exports,
      values: session.values,
    });
  }

  get #locale(): string | undefined {
    return this.closest("[lang]")?.getAttribute("lang") || undefined;
  }

  #layOut(): void {
    const wanted = this.getAttribute("parameters") !== "none";
    this.#stage.setPanel(wanted && this.#panel ? this.#panel.element : null);
  }

  /** Collects changes; sends them after a pause, so that a dragged slider does not start a computation per pixel. */
  #change(id: string, wire: string, pauseMs: number): void {
    this.#changes[id] = wire;
    clearTimeout(this.#dragTimer);
    this.#dragTimer = setTimeout(() => void this.#send(), pauseMs);
  }

  async #send(): Promise<void> {
    const session = this.#session;
    const changes = this.#changes;
    this.#changes = {};
    this.#dragTimer = undefined;
    try {
      this.#stage.clearNotice();
      await session?.customize(changes);
    } catch (error) {
      if (isAbort(error) || session !== this.#session) return;
      this.#report(error);
      if (session && error instanceof VitrineError && error.status === 400) this.#panel?.setValues(session.values);
    }
  }

  async #present(session: Session, outputs: readonly WireOutput[], signal: AbortSignal): Promise<void> {
    const done = this.#stage.begin();
    try {
      const failures: Record<string, string> = {};
      const items = outputs.flatMap((output) => {
        const why = failureOf(output);
        if (why !== null) failures[output.id] = why;
        const item = why === null ? itemOf(session, output) : this.#good.get(output.id);
        if (item) this.#good.set(output.id, item);
        else this.#good.delete(output.id);
        return item ? [item] : [];
      });
      const viewport = this.#openViewport();
      if (!this.#stage.isShowing) for (const item of items) item.load(signal).catch(() => undefined);
      (await viewport).setLook(session.look);
      await (await viewport).show(items, signal);
      const facts = factsOf(outputs);
      this.#stage.reveal(facts.map((fact) => `${fact.label} ${formatFact(fact, this.#locale)}`).join(", "));
      this.#panel?.setOutputs(outputs);
      // While the next change is waiting, the controls are ahead of this answer.
      if (this.#dragTimer === undefined) this.#panel?.setValues(session.values);
      const [why] = Object.values(failures);
      if (why === undefined) this.#stage.clearNotice();
      else this.#stage.warn(TEXTS.failed(why), () => this.#again());
      if (why !== undefined) console.warn("Vitrine: outputs failed to compute.", failures);
      this.#tell("vitrine-computed", { values: session.values, outputs, facts, failures });
    } catch (error) {
      if (!isAbort(error)) this.#report(error);
    } finally {
      done();
    }
  }

  async #download(id: string): Promise<void> {
    const done = this.#stage.begin();
    const session = this.#session;
    try {
      const file = await session?.export(id);
      if (!file) return;
      save(file);
      this.#stage.clearNotice();
      this.#tell("vitrine-exported", { id, filename: file.filename, format: file.format, sizeBytes: file.blob.size });
    } catch (error) {
      if (!isAbort(error) && session === this.#session) this.#report(error, () => void this.#download(id));
    } finally {
      done();
    }
  }

  /** Computes and shows again what is wanted now; starts over when there is no session to do it with. */
  #again(): void {
    if (this.#session && !this.#session.isClosed) void this.#send();
    else void this.#start();
  }

  /**
   * Shows an error where it belongs: in place of the model when there is none, as a line above it otherwise.
   * `again` repeats what failed.
   */
  #report(error: unknown, again: () => void = () => this.#again()): void {
    if (this.#stage.isRefused) return;
    const known =
      error instanceof VitrineError
        ? error
        : new VitrineError({ type: "", desc: "Unexpected error", message: String((error as Error)?.message ?? error), status: 0 });
    const lost = !this.#session || this.#session.isLost;
    if (known.isRefusal && lost) {
      this.#refuse(known);
      return;
    }
    console.warn(`Vitrine: ${known.message}`, describe(known), known.cause ?? "");
    if (this.#stage.isShowing) this.#stage.warn(known.message, again);
    else this.#stage.fail(known, again);
    this.#tell("vitrine-error", { type: known.type, message: known.message, status: known.status });
  }

  /** The server's decision is final: nothing of the model stays. */
  #refuse(error: VitrineError): void {
    console.warn(`Vitrine refused: ${error.message}`, describe(error));
    this.#session?.closeInBackground();
    this.#session = undefined;
    this.#panel = undefined;
    this.#good.clear();
    void this.#viewport?.then((viewport) => viewport.clear()).catch(() => undefined);
    this.#layOut();
    // A right that was withdrawn may be given again; what else was decided stays so.
    if (error.status === 401 && (this.getAttribute("ticket") || this.getAttribute("model"))) this.#stage.refuse(error, () => void this.#start());
    else this.#stage.refuse(error);
    this.#tell("vitrine-refused", { type: error.type, message: error.message, status: error.status });
  }

  #tell<K extends keyof ViewerEvents>(name: K, detail: ViewerEvents[K]): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

/** What of an output can be drawn; undefined when it has no geometry. */
function itemOf(session: Session, output: WireOutput): ViewportItem | undefined {
  if (output.version === undefined) return undefined;
  const indices = (output.content ?? []).flatMap((item, index) =>
    (item.format === "glb" || item.format === "gltf") && item.href !== undefined ? [index] : [],
  );
  if (indices.length === 0) return undefined;
  let loading: Promise<ArrayBuffer[]> | undefined;
  return {
    id: output.id,
    version: output.version,
    load: (signal) => {
      // Asked for twice: once early, while the picture's code is still on its way, and once by the picture.
      loading ??= Promise.all(indices.map((index) => session.asset(output, index, signal)));
      loading.catch(() => (loading = undefined));
      return loading;
    },
  };
}

function describe(error: VitrineError): { type: string; status: number; desc: string } {
  return { type: error.type || "(none)", status: error.status, desc: error.desc };
}

/** Hands a file to the browser's downloads. */
function save(file: ExportFile): void {
  const url = URL.createObjectURL(file.blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = file.filename;
  link.click();
  // The browser has taken the blob over once the click's task is done.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
