/** The editor itself: brings the drawing, the page's frame, saving, the lease and the page around together. */
import type { Api, EditorState, Failure, Lease } from "./api.js";
import { type CommandEvent, Drawing, type RunResult } from "./cad/drawing.js";
import { commandLines, frameOf, Host, type Outcome } from "./host.js";
import { labelCommandLine, typeIntoCommandLine } from "./command-line.js";
import { LeaseKeeper } from "./lease.js";
import { hideNotice, notify } from "./notices.js";
import { Panel } from "./panel.js";
import { Saver, type SavingState } from "./saving.js";
import { Shell } from "./shell.js";
import { rememberSession } from "./storage.js";
import { currentLanguage, t, type TextKey } from "./texts.js";

/** The drawing came, and still nothing can be shown. */
export class CannotShow extends Error {
  readonly words: TextKey;

  constructor(words: TextKey) {
    super(words);
    this.words = words;
  }
}

/** Layouts that a workspace's name stands for; the rest of what a workspace file can say has no meaning here. */
function layoutOf({ parameters, access }: EditorState): { isMobile: boolean; showsDrawTools: boolean } {
  const workspace = parameters.workspace ?? "";
  return {
    isMobile: parameters.mobile === true || /mobile/i.test(workspace),
    showsDrawTools: access === "edit" && !/viewer/i.test(workspace),
  };
}

class Editor {
  readonly #api: Api;
  readonly #state: EditorState;
  readonly #drawing: Drawing;
  readonly #shell: Shell;
  readonly #panel: Panel;
  readonly #lease: LeaseKeeper;
  readonly #host: Host;
  #saver: Saver;
  /** Whether the drawing on the screen may be changed now. */
  #isEditing = false;
  #isConnected = true;
  #hasEnded = false;

  constructor(api: Api, state: EditorState, etag: string) {
    this.#api = api;
    this.#state = state;
    const layout = layoutOf(state);
    document.body.classList.toggle("mobile", layout.isMobile);
    document.body.classList.toggle("no-command-line", state.layout?.commandline === false);
    document.body.classList.toggle("no-coordinates", state.layout?.coordinates === false);
    this.#shell = new Shell(state.title, layout, this.#shellPorts());
    this.#panel = new Panel({
      setLayerVisible: (name, isVisible) => this.#drawing.setLayerVisible(name, isVisible),
      setCurrentLayer: (name) => this.#drawing.setCurrentLayer(name),
      showAllLayers: () => this.#drawing.showAllLayers(),
    });
    this.#host = new Host(frameOf(window), state.origins, {
      runCommand: (text) => this.#runForHost(text),
      setMode: (mode) => this.#setModeForHost(mode),
      setVariable: (name, value) => this.#setVariable(name, value),
      fileChosen: (_command, file) => notify(t("chooserAnswer", { name: file.name })),
    });
    this.#lease = new LeaseKeeper(api, this.#leaseListener(), state.lease, state.access === "edit");
    this.#saver = this.#newSaver(etag);
    this.#drawing = this.#newDrawing();
  }

  async open(bytes: ArrayBuffer): Promise<void> {
    // After a reload nobody holds the lease that this page gave back.
    if (this.#lease.wanted && !this.#lease.lease.held && this.#lease.lease.by === null) await this.#lease.beat();
    const canWrite = this.#state.access === "edit" && this.#lease.lease.held;
    const hasRoom = matchMedia("(min-width: 60rem)").matches && !document.body.classList.contains("mobile");
    this.#shell.togglePanel(hasRoom && this.#state.layout?.panel !== false);
    const isOpen = await this.#drawing.open(bytes, canWrite).catch(() => false);
    if (!isOpen) throw new CannotShow("drawingBroken");
    if (this.#state.parameters.whitebackground === true) this.#drawing.setBackground("light");
    this.#enterMode(canWrite);
    if (this.#state.access === "edit" && !canWrite) this.#tellHolder();
    this.#lease.start();
    this.#listenToPage();
    labelCommandLine();
    this.#host.listen(window);
    this.#host.post("drawingLoaded");
  }

  #shellPorts() {
    return {
      run: (command: string) => {
        void this.#run([command]);
        // On a screen for fingers the focus would bring up a keyboard over the drawing.
        if (matchMedia("(pointer: fine)").matches) typeIntoCommandLine();
      },
      select: () => this.#setPanning(false),
      pan: () => this.#setPanning(true),
      fit: () => this.#drawing.fit(),
      zoom: (factor: number) => this.#drawing.zoomBy(factor),
      toggleBackground: () => this.#drawing.setBackground(this.#drawing.background === "dark" ? "light" : "dark"),
      undo: () => this.#drawing.undo(),
      redo: () => this.#drawing.redo(),
      save: () => void this.#save(),
    };
  }

  #newDrawing(): Drawing {
    let drawing: Drawing;
    try {
      drawing = new Drawing(this.#shell.stage, {
        modified: () => this.#modified(),
        command: (event, name) => this.#command(event, name),
        selected: (facts, count) => {
          this.#panel.showSelection(facts, count);
          this.#host.event("selectionEvent", "selectionChanged", [{ count }]);
        },
        layers: (layers, current) => this.#panel.showLayers(layers, current),
        pointer: (x, y) => this.#shell.setPointer(x, y),
        viewChanged: () => this.#host.event("viewChangedEvent", "viewChanged", []),
        variable: (name) => this.#host.event("sysVarEvent", "sysVarChanged", [{ "variable name": name }]),
        save: () => void this.#save(),
        chooseFile: (command, attachmentType, filter) => {
          if (this.#host.isFramed) this.#host.chooseFile(command, attachmentType, filter);
          else notify(t("chooserNobody"));
        },
        undoable: (canUndo, canRedo) => this.#shell.setUndoable(canUndo, canRedo),
      }, { isDebug: this.#state.parameters.debug === true });
    } catch (error) {
      console.error(error);
      throw new CannotShow("noWebgl");
    }
    return drawing;
  }

  // ---- Commands

  async #run(lines: readonly string[]): Promise<RunResult> {
    this.#setPanning(false);
    const result = await this.#drawing.run(lines);
    if (!result.ran && (result.why === "unknown" || result.why === "write")) notify(this.#refusal(result));
    return result;
  }

  #refusal(result: Exclude<RunResult, { ran: true }>): string {
    return t(result.why === "write" ? "writeCommand" : "unknownCommand", { name: result.name });
  }

  async #runForHost(text: string): Promise<Outcome> {
    const { commands } = this.#state;
    const result = await this.#drawing.run(commandLines(text), commands ? new Set(commands) : null);
    if (result.ran) return { status: "done" };
    switch (result.why) {
      case "failed":
        return { status: "failed", reason: `${result.name} did not get the input that it needs.` };
      case "cancelled":
        return { status: "failed", reason: `${result.name} was cancelled.` };
      case "forbidden":
        return { status: "refused", reason: `${result.name} is not in the partner's list of commands.` };
      default:
        return { status: "refused", reason: this.#refusal(result) };
    }
  }

  #setVariable(name: string, value: string): Outcome {
    if (!this.#isEditing) return { status: "refused", reason: t("viewOnly") };
    switch (this.#drawing.setVariable(name, value)) {
      case "set":
        return { status: "done" };
      case "value":
        return { status: "refused", reason: `${value} is no value of ${name} in this drawing.` };
      case "unknown":
        return { status: "refused", reason: `${name} cannot be set from outside.` };
    }
  }

  #command(event: CommandEvent, name: string): void {
    this.#shell.setActive(event === "commandWillStart" ? name : null);
    this.#host.event("commandEvent", event, [{ "command name": name }]);
  }

  #setPanning(isPanning: boolean): void {
    this.#drawing.setPanning(isPanning);
    this.#shell.setPanning(isPanning);
  }

  // ---- Saving

  #newSaver(etag: string): Saver {
    const ports = {
      dxf: () => this.#drawing.dxf(),
      save: async (dxf: string, tag: string, options: { farewell: boolean }) => {
        const saved = await this.#api.save(this.#drawing.seen, dxf, tag, options);
        this.#drawing.settle(dxf);
        return saved;
      },
      newest: async () => (await this.#api.state()).etag,
      changed: (state: SavingState) => this.#showSaving(state),
    };
    return new Saver(ports, etag, { autosave: this.#state.parameters.autosavedisabled !== true });
  }

  #modified(): void {
    if (!this.#isEditing) return;
    this.#saver.touch();
    this.#host.event("drawingModifiedEvent", "drawingModified", [{ unsaved: true }]);
  }

  async #save(): Promise<void> {
    if (!this.#isEditing) return notify(t("writeCommand", { name: t("save") }));
    await this.#saver.save();
  }

  #showSaving(state: SavingState): void {
    const canSave = state.name !== "saving";
    switch (state.name) {
      case "clean": {
        const time = new Date().toLocaleTimeString(currentLanguage(), { hour: "2-digit", minute: "2-digit" });
        hideNotice();
        this.#shell.setSaving(t("savedAt", { time }), "quiet", canSave);
        this.#host.event("drawingModifiedEvent", "drawingSaved", [{ unsaved: false }]);
        return;
      }
      case "dirty":
        return this.#shell.setSaving(t("unsaved"), "quiet", canSave);
      case "saving":
        return this.#shell.setSaving(t("saving"), "busy", canSave);
      case "conflict":
        this.#shell.setSaving(t("saveFailed"), "bad", canSave);
        return this.#askAboutConflict();
      case "failed":
        this.#shell.setSaving(t("saveFailed"), "bad", canSave);
        return this.#tellSaveFailed(state.failure);
    }
  }

  #tellSaveFailed(failure: Failure): void {
    if (failure.kind === "gone") return this.#sessionEnded();
    if (failure.kind === "unreachable") return this.#setConnected(false);
    const words = failure.kind === "refused" ? t("saveRefused", { reason: failure.message }) : t("saveFailedLong");
    notify(words, [{ label: t("tryAgain"), act: () => void this.#saver.save(), isMain: true }, { label: t("dismiss"), act: () => undefined }], {
      isUrgent: true,
    });
  }

  #askAboutConflict(): void {
    const choices = [
      { label: t("conflictMine"), act: () => void this.#saver.saveOver(), isMain: true },
      { label: t("conflictTheirs"), act: () => void this.#reopen(true) },
      { label: t("conflictLater"), act: () => this.#saver.stop() },
    ];
    notify(t("conflict"), choices, { isUrgent: true });
  }

  // ---- Who may edit

  #enterMode(canWrite: boolean): void {
    this.#isEditing = canWrite;
    this.#drawing.setWrite(canWrite);
    this.#panel.setMode(canWrite);
    this.#shell.setMode(canWrite, t(canWrite ? "editing" : "viewOnly"));
    const words = canWrite ? (this.#saver.hasUnsaved ? t("unsaved") : "") : "";
    this.#shell.setSaving(words, "quiet", canWrite);
    this.#host.post("stateChanged", { state: canWrite ? "edit" : "view" });
  }

  #leaseListener() {
    return {
      leaseChanged: (lease: Lease, was: Lease) => {
        if (this.#isEditing && was.held && !lease.held) {
          this.#lease.wanted = false;
          this.#enterMode(false);
          notify(t("leaseLost"), [{ label: t("dismiss"), act: () => undefined }], { isUrgent: true });
        } else if (!this.#isEditing && this.#state.access === "edit") {
          this.#tellHolder();
        }
      },
      sessionEnded: () => this.#sessionEnded(),
      connection: (isThere: boolean) => this.#setConnected(isThere),
    };
  }

  #tellHolder(): void {
    const { held, by } = this.#lease.lease;
    if (held && this.#isEditing) return;
    this.#lease.wanted = false;
    const edit = { label: t("editNow"), act: () => void this.#startEditing(), isMain: true };
    const later = { label: t("dismiss"), act: () => undefined };
    if (by === null && !held) notify(t("leaseFree"), [edit, later]);
    else notify(by ? t("heldBy", { name: by }) : t("heldBySomebody"), [edit, later]);
  }

  /** Takes the lease and, where somebody saved meanwhile, the newest version. */
  async #startEditing(): Promise<Outcome> {
    if (this.#state.access !== "edit") return { status: "refused", reason: t("viewOnly") };
    if (this.#isEditing) return { status: "done" };
    this.#lease.wanted = true;
    const lease = await this.#lease.beat();
    if (!lease.held) {
      this.#tellHolder();
      return { status: "refused", reason: lease.by ? t("heldBy", { name: lease.by }) : t("heldBySomebody") };
    }
    await this.#reopen(false);
    this.#enterMode(true);
    return { status: "done" };
  }

  /** Opens the newest version in place of what is on the screen. */
  async #reopen(keepsMode: boolean): Promise<void> {
    try {
      const { bytes, etag } = await this.#api.drawing();
      const isEditing = this.#isEditing;
      this.#isEditing = false;
      if (!(await this.#drawing.open(bytes, keepsMode && isEditing))) throw new CannotShow("drawingBroken");
      this.#saver.stop();
      this.#saver = this.#newSaver(etag ?? "");
      this.#enterMode(keepsMode && isEditing);
    } catch {
      notify(t("serverTrouble"), [{ label: t("tryAgain"), act: () => void this.#reopen(keepsMode), isMain: true }], { isUrgent: true });
    }
  }

  async #setModeForHost(mode: "view" | "edit"): Promise<Outcome> {
    if (mode === "edit") return this.#startEditing();
    if (!this.#isEditing) return { status: "done" };
    this.#drawing.cancel();
    await this.#saver.save();
    if (this.#saver.hasUnsaved) return { status: "failed", reason: t("saveFailedLong") };
    this.#enterMode(false);
    await this.#lease.giveBack();
    return { status: "done" };
  }

  #sessionEnded(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#lease.stop();
    this.#saver.stop();
    rememberSession(null);
    this.#enterMode(false);
    this.#host.post("connectionLost");
    notify(t("sessionGone"), [{ label: t("dismiss"), act: () => undefined }], { isUrgent: true });
  }

  #setConnected(isThere: boolean): void {
    if (this.#isConnected === isThere) return;
    this.#isConnected = isThere;
    if (isThere) {
      notify(t("connectionBack"));
      if (this.#saver.hasUnsaved && this.#saver.savesByItself) void this.#saver.save();
    } else {
      this.#host.post("connectionLost");
      notify(t("connectionLost"), [{ label: t("dismiss"), act: () => undefined }], { isUrgent: true });
    }
  }

  // ---- The page

  #listenToPage(): void {
    // Before the library's own listener, which would undo in a drawing that is only viewed.
    document.addEventListener("keydown", (event) => this.#key(event), { capture: true });
    addEventListener("offline", () => this.#setConnected(false));
    addEventListener("online", () => void this.#lease.beat());
    addEventListener("beforeunload", (event) => {
      if (!this.#isEditing || !this.#saver.hasUnsaved) return;
      // What is too large to outlive the page is on its way while the browser asks.
      this.#saveInPassing();
      event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.#saveInPassing();
    });
    addEventListener("pagehide", () => {
      this.#saveInPassing();
      // What is being saved needs the lease, which then runs out by itself; else the next editor need not wait for that.
      if (this.#isEditing && !this.#saver.hasUnsaved) void this.#api.giveLeaseBack({ farewell: true }).catch(() => undefined);
    });
    addEventListener("pageshow", (event) => {
      if (event.persisted) void this.#lease.beat();
    });
  }

  #saveInPassing(): void {
    const canSave = this.#isEditing && this.#saver.savesByItself && this.#saver.state.name !== "conflict";
    if (canSave && this.#saver.hasUnsaved) void this.#saver.save({ farewell: true });
  }

  #key(event: KeyboardEvent): void {
    const isCommand = event.ctrlKey || event.metaKey;
    const letter = event.key.toLowerCase();
    if (isCommand && letter === "s") {
      event.preventDefault();
      event.stopImmediatePropagation();
      void this.#save();
      return;
    }
    if (isCommand && (letter === "z" || letter === "y") && !this.#isEditing) {
      event.stopImmediatePropagation();
      return;
    }
    if (isCommand || event.altKey || event.isComposing) return;
    const target = event.target as HTMLElement;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable) return;
    if (this.#viewKey(event, target)) event.preventDefault();
    else if (/^[\p{L}\p{N}.,@<#-]$/u.test(event.key) && target.tagName !== "BUTTON") typeIntoCommandLine();
  }

  /** Keys for the view, while nothing is typed and no command waits. */
  #viewKey(event: KeyboardEvent, target: HTMLElement): boolean {
    if (this.#drawing.isBusy) return false;
    const moves: Record<string, () => void> = {
      "+": () => this.#drawing.zoomBy(1.4),
      "-": () => this.#drawing.zoomBy(1 / 1.4),
      Home: () => this.#drawing.fit(),
      ArrowLeft: () => this.#drawing.panBy(-1, 0),
      ArrowRight: () => this.#drawing.panBy(1, 0),
      ArrowUp: () => this.#drawing.panBy(0, 1),
      ArrowDown: () => this.#drawing.panBy(0, -1),
    };
    const move = moves[event.key];
    if (!move || target.closest("#panel")) return false;
    move();
    return true;
  }
}

/** Opens the editor on a drawing that is on its way. */
export async function openEditor(api: Api, state: EditorState, drawing: Promise<{ bytes: ArrayBuffer; etag: string | null }>): Promise<void> {
  const { bytes, etag } = await drawing;
  const editor = new Editor(api, state, etag ?? state.etag ?? "");
  await editor.open(bytes);
}
