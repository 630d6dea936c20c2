/**
 * Talk with the page around the editor. Messages have the members of ARES Kudo's: inbound `{messageName, …}`, outbound
 * `{messageName, message}` with `message` as JSON text. Only pages on the partner's list are heard, and only they are spoken to.
 */
import { COMMAND_CHARS_MAX } from "./limits.js";

export type EventClass = "commandEvent" | "drawingModifiedEvent" | "selectionEvent" | "viewChangedEvent" | "sysVarEvent";

const EVENT_CLASSES: ReadonlySet<string> = new Set(["commandEvent", "drawingModifiedEvent", "selectionEvent", "viewChangedEvent", "sysVarEvent"]);

export type Outcome = { status: "done" } | { status: "refused" | "failed"; reason: string };

export interface HostPorts {
  runCommand(text: string): Promise<Outcome>;
  setMode(mode: "view" | "edit"): Promise<Outcome>;
  setVariable(name: string, value: string): Outcome;
  /** A file that the page around chose, as an answer to `showChooseDialog`. */
  fileChosen(command: string, file: { name: string }): void;
}

/** Whether `origin` is one of the partner's: exact, with any port of localhost, or with exactly one label for `*`. */
export function isAllowed(origin: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    if (!pattern.includes("*")) return pattern === origin;
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
    const source = escaped.endsWith(":*") ? escaped.replace(/:\*$/, "(:\\d{1,5})?") : escaped.replace("*", "[a-z0-9-]+");
    return new RegExp(`^${source}$`).test(origin);
  });
}

/**
 * A command of the page around as the lines that the command line takes: arguments stand between blanks or line breaks, a blank
 * at the end is an Enter, and a leading `_` or `.` marks the untranslated name.
 */
export function commandLines(text: string): string[] {
  const words = text.replace(/\r\n?/g, "\n").replace(/\\n/g, "\n").split(/[ \n]/);
  const lines: string[] = [];
  for (const word of words) {
    if (lines.length === 0 && word === "") continue;
    lines.push(lines.length === 0 ? word.replace(/^[_.']+/, "") : word);
  }
  return lines;
}

interface Frame {
  /** The window around, or null in a tab of its own. */
  parent: Window | null;
  /** Where the page around says that it comes from, as far as the browser tells. */
  around: string | null;
}

/** What the browser knows about the page around. */
export function frameOf(win: Window): Frame {
  if (win.parent === win) return { parent: null, around: null };
  const ancestor = win.location.ancestorOrigins?.[0];
  if (ancestor) return { parent: win.parent, around: ancestor };
  try {
    return { parent: win.parent, around: new URL(win.document.referrer).origin };
  } catch {
    return { parent: win.parent, around: null };
  }
}

export class Host {
  readonly #frame: Frame;
  readonly #origins: readonly string[];
  readonly #registered = new Set<string>();
  readonly #ports: HostPorts;
  /** The origin that was last heard; some browsers do not tell about the page around otherwise. */
  #heard: string | null = null;

  constructor(frame: Frame, origins: readonly string[], ports: HostPorts) {
    this.#frame = frame;
    this.#origins = origins;
    this.#ports = ports;
  }

  get isFramed(): boolean {
    return this.#frame.parent !== null;
  }

  listen(win: Window): void {
    win.addEventListener("message", (event) => void this.hear(event));
  }

  /** Sends to the page around if it is one of the partner's. Never to `*`. */
  post(messageName: string, content?: unknown, more: Record<string, unknown> = {}): void {
    const { parent } = this.#frame;
    if (!parent) return;
    const message = content === undefined ? {} : { message: JSON.stringify(content) };
    for (const target of this.#targets()) parent.postMessage({ messageName, ...message, ...more }, target);
  }

  /** Sends an event of a class that the page around has registered for. */
  event(eventClass: EventClass, eventType: string, data: readonly Record<string, unknown>[]): void {
    if (this.#registered.has(eventClass)) this.post(eventClass, { data, eventType });
  }

  /** Asks the page around to choose a file. */
  chooseFile(command: string, attachmentType: string, filter: readonly string[]): void {
    const content = { attachmentType, commandType: command, filter };
    this.post("showChooseDialog", content, content);
  }

  async hear(event: Pick<MessageEvent, "origin" | "source" | "data">): Promise<void> {
    if (!this.#frame.parent || event.source !== this.#frame.parent) return;
    if (!isAllowed(event.origin, this.#origins)) return;
    const data: unknown = event.data;
    if (typeof data !== "object" || data === null) return;
    const words = data as Record<string, unknown>;
    if (typeof words["messageName"] !== "string") return;
    this.#heard = event.origin;
    try {
      await this.#answer(words["messageName"], words);
    } catch (error) {
      // Whoever asked for a result gets one, whatever went wrong.
      this.#result(words, { status: "failed", reason: error instanceof Error ? error.message : String(error) });
    }
  }

  async #answer(name: string, words: Record<string, unknown>): Promise<void> {
    switch (name) {
      case "runcommand":
        return this.#result(words, await this.#run(words["commandString"]));
      case "runlisp":
        return this.#result(words, { status: "refused", reason: "runlisp is not supported: this editor has no Lisp." }, "runlisp");
      case "drawingdescription":
        return this.#result(words, { status: "refused", reason: "drawingdescription is not supported: this editor describes no drawings." });
      case "stateChanged": {
        const { state } = words;
        const isMode = state === "view" || state === "edit";
        const outcome: Outcome = isMode ? await this.#ports.setMode(state) : { status: "refused", reason: "state is view or edit." };
        return this.#result(words, outcome);
      }
      case "setvariable":
        return this.#result(words, this.#setVariable(words));
      case "eventRegister":
      case "eventDeRegister": {
        const { eventName } = words;
        if (typeof eventName !== "string" || !EVENT_CLASSES.has(eventName)) return;
        if (name === "eventRegister") this.#registered.add(eventName);
        else this.#registered.delete(eventName);
        return;
      }
      default:
        this.#chosen(name, words);
    }
  }

  async #run(text: unknown): Promise<Outcome> {
    if (typeof text !== "string" || text.length > COMMAND_CHARS_MAX) {
      return { status: "refused", reason: `commandString is a text of at most ${COMMAND_CHARS_MAX} characters.` };
    }
    return this.#ports.runCommand(text);
  }

  #setVariable(words: Record<string, unknown>): Outcome {
    const name = words["variableName"] ?? words["name"];
    const value = words["variableValue"] ?? words["value"];
    if (typeof name !== "string" || !["string", "number", "boolean"].includes(typeof value)) {
      return { status: "refused", reason: "setvariable takes variableName and variableValue." };
    }
    return this.#ports.setVariable(name, String(value));
  }

  /** The answer to `showChooseDialog` has the command as its name and the record of a file as its content. */
  #chosen(name: string, words: Record<string, unknown>): void {
    if (!/^[A-Za-z-]{1,32}$/.test(name)) return;
    let file: unknown = words["message"] ?? words;
    if (typeof file === "string") {
      try {
        file = JSON.parse(file);
      } catch {
        return;
      }
    }
    const fileName = (file as Record<string, unknown> | null)?.["name"];
    if (typeof fileName === "string" && fileName) this.#ports.fileChosen(name, { name: fileName });
  }

  #result(words: Record<string, unknown>, outcome: Outcome, fallback?: string): void {
    const name = typeof words["resultMessage"] === "string" ? words["resultMessage"] : fallback;
    if (name === undefined) return;
    const messageId = typeof words["messageId"] === "string" || typeof words["messageId"] === "number" ? { messageId: words["messageId"] } : {};
    this.post(name, { ...outcome, ...messageId }, messageId);
  }

  #targets(): readonly string[] {
    const known = [this.#heard, this.#frame.around].find((origin) => origin !== null && isAllowed(origin, this.#origins));
    if (known) return [known];
    // A page around that the browser names and the list does not is spoken to by nobody.
    if (this.#frame.around !== null) return [];
    return this.#origins.filter((origin) => !origin.includes("*"));
  }
}
