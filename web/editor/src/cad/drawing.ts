/** One open drawing: what the page needs of the CAD library, and nothing else of it shows outside this folder. */
import "./sheets.js";
import {
  AcApDocManager,
  AcApI18n,
  AcApOpenViewMode,
  acedApplyUiTheme,
  type AcEdCommand,
  AcEdOpenMode,
  type AcTrView2d,
  AcEdViewMode,
  type AcApLayerInfo,
} from "@mlightcad/cad-simple-viewer";
import { AcCmColor, type AcDbDatabase, type AcDbEntity, AcDbSysVarManager, AcGeBox2d, log } from "@mlightcad/data-model";
import { currentLanguage, t } from "../texts.js";
import { settleAxes } from "./axes.js";
import { CHOOSER_COMMANDS, commandWords, settleCommands, setVariable, type VariableResult } from "./commands.js";
import { styleNewDimensions } from "./dimensions.js";
import { hideFromReader, withoutVariable } from "./dxf.js";
import { GERMAN } from "./german.js";
import { describeEntity, type EntityFacts } from "./facts.js";
import { dropLatePreviews } from "./previews.js";

/** Digits in saved coordinates: what the server's reader and ezdxf keep apart. */
const DXF_DIGITS = 16;

/** What the canvas shows where nothing is drawn. */
const BACKGROUNDS = { dark: { red: 22, green: 25, blue: 30 }, light: { red: 255, green: 255, blue: 255 } } as const;

/** The part of the window that a key press moves the view by. */
const PAN_SHARE = 0.15;

export type CommandEvent = "commandWillStart" | "commandEnded" | "commandCancelled" | "commandFailed";

export interface DrawingListener {
  modified(): void;
  command(event: CommandEvent, name: string): void;
  selected(facts: EntityFacts[], count: number): void;
  layers(layers: readonly AcApLayerInfo[], current: string): void;
  pointer(x: string, y: string): void;
  viewChanged(): void;
  variable(name: string): void;
  save(): void;
  chooseFile(command: string, attachmentType: string, filter: readonly string[]): void;
  undoable(canUndo: boolean, canRedo: boolean): void;
}

export type RunResult = { ran: true } | { ran: false; why: "unknown" | "forbidden" | "write" | "cancelled" | "failed"; name: string };

export class Drawing {
  readonly #manager: AcApDocManager;
  readonly #listener: DrawingListener;
  #background: "light" | "dark" = "dark";
  /** The events of a database while it is read are no changes of a person. */
  #isReading = true;
  /** The command that `run` is about to start, then the one that it runs: `run` itself tells how that ends. */
  #expected: AcEdCommand | null = null;
  #running: AcEdCommand | null = null;
  /** The library ends a command that was cancelled like any other. */
  #isCancelled = false;
  /** What the library wrote of the drawing when nothing of it was unsaved: the server keeps what stands in neither text. */
  #seen = "";

  constructor(container: HTMLElement, listener: DrawingListener, { isDebug }: { isDebug: boolean }) {
    log.setLevel(isDebug ? "debug" : "silent");
    this.#listener = listener;
    // The library has no German: its English tree gets our words.
    if (currentLanguage() === "de") AcApI18n.mergeLocaleMessage("en", GERMAN);
    AcApI18n.mergeLocaleMessage("en", { command: { ACAD: commandWords() } });
    const manager = AcApDocManager.createInstance({
      container,
      autoResize: true,
      baseUrl: new URL("/editor/assets", location.href).href,
      webworkerFileUrls: { mtextRender: "/editor/assets/mtext-worker.js" },
      builtinOpenFileDialog: false,
    });
    if (!manager) throw new Error("The CAD library did not start.");
    this.#manager = manager;
    styleNewDimensions();
    settleCommands(manager.commandManager, {
      save: () => listener.save(),
      chooseFile: (command) => {
        const kind = CHOOSER_COMMANDS[command];
        if (kind) listener.chooseFile(command, kind.attachmentType, kind.filter);
      },
    });
    dropLatePreviews(this.#view);
    this.#listenToView();
  }

  get #view(): AcTrView2d {
    return this.#manager.curView;
  }

  get #database(): AcDbDatabase {
    return this.#manager.curDocument.database;
  }

  get canWrite(): boolean {
    return this.#manager.curDocument.openMode === AcEdOpenMode.Write;
  }

  /** Reads a drawing. False when the bytes are none. */
  async open(bytes: ArrayBuffer, canWrite: boolean): Promise<boolean> {
    this.#isReading = true;
    this.#view.selectionSet.clear();
    hideFromReader(bytes);
    // Read for writing in any case: a drawing that is viewed may be edited later, when its lease is free.
    const isOpen = await this.#manager.openDocument("drawing.dxf", bytes, {
      mode: AcEdOpenMode.Write,
      openViewMode: AcApOpenViewMode.Extents,
    });
    if (!isOpen) return false;
    await this.#view.waitUntilIdle();
    this.#setOwnVariables();
    this.#listenToDatabase();
    this.fit();
    this.setWrite(canWrite);
    this.setBackground(this.#background);
    this.#seen = this.dxf();
    this.#isReading = false;
    this.#tellUndo();
    return true;
  }

  /** Whether commands that change the drawing may run. The server asks for itself whenever something is saved. */
  setWrite(canWrite: boolean): void {
    // The library sets the mode on opening alone, and opening again would lose what can be undone.
    Reflect.set(this.#manager.curDocument, "_openMode", canWrite ? AcEdOpenMode.Write : AcEdOpenMode.Read);
    this.#view.selectionSet.clear();
    AcApI18n.mergeLocaleMessage("en", { main: { commandLine: { unknownCommand: t(canWrite ? "unknownTyped" : "unknownTypedInView") } } });
  }

  /** The drawing as it was when nothing of it was unsaved. */
  get seen(): string {
    return this.#seen;
  }

  /** This is saved now. */
  settle(dxf: string): void {
    this.#seen = dxf;
  }

  dxf(): string {
    const dxf = this.#database.dxfOut("", DXF_DIGITS);
    return withoutVariable(typeof dxf === "string" ? dxf : new TextDecoder().decode(dxf));
  }

  /** Runs a command with its inputs, one a line; what is missing is asked for on the command line. `permitted` names those that may run. */
  async run(lines: readonly string[], permitted: ReadonlySet<string> | null = null): Promise<RunResult> {
    const name = (lines[0] ?? "").toUpperCase();
    const stack = this.#manager.commandManager;
    const command = stack.lookupGlobalCmd(name) ?? stack.lookupLocalCmd(name);
    if (!name || !command) return { ran: false, why: "unknown", name };
    if (permitted && !permitted.has(command.globalName.toUpperCase())) return { ran: false, why: "forbidden", name };
    if (command.mode > this.#manager.curDocument.openMode) return { ran: false, why: "write", name };
    // Whatever runs now makes way.
    if (this.isBusy) this.#isCancelled = true;
    this.#expected = command;
    try {
      await this.#manager.executeCommandString([command.globalName, ...lines.slice(1)].join("\n"));
      if (!this.#takeCancelled()) {
        this.#ended("commandEnded", command);
        return { ran: true };
      }
      this.#ended("commandCancelled", command);
      return { ran: false, why: "cancelled", name };
    } catch {
      this.#isCancelled = false;
      this.#ended("commandFailed", command);
      return { ran: false, why: "failed", name };
    }
  }

  setVariable(name: string, value: string): VariableResult {
    return setVariable(name, value);
  }

  cancel(): void {
    if (this.isBusy) this.#isCancelled = true;
    void this.#manager.commandManager.cancelActive();
  }

  get isBusy(): boolean {
    return this.#manager.commandManager.activeCommand !== null;
  }

  undo(): void {
    void this.run(["UNDO"]);
  }

  redo(): void {
    void this.run(["REDO"]);
  }

  fit(): void {
    this.#view.zoomToFitDrawing();
  }

  /** Zooms about the middle of the window; above 1 comes nearer. */
  zoomBy(factor: number): void {
    const [low, high] = this.#corners();
    const middle = { x: (low.x + high.x) / 2, y: (low.y + high.y) / 2 };
    const half = { x: (high.x - low.x) / 2 / factor, y: (high.y - low.y) / 2 / factor };
    const box = new AcGeBox2d();
    box.expandByPoint({ x: middle.x - half.x, y: middle.y - half.y });
    box.expandByPoint({ x: middle.x + half.x, y: middle.y + half.y });
    this.#view.zoomTo(box, 1);
  }

  /** Moves what is seen by a share of the window. */
  panBy(x: number, y: number): void {
    const [low, high] = this.#corners();
    const { center } = this.#view;
    center.x += x * PAN_SHARE * (high.x - low.x);
    center.y += y * PAN_SHARE * (high.y - low.y);
    this.#view.center = center;
  }

  /** Dragging moves the view instead of selecting. */
  setPanning(isPanning: boolean): void {
    this.#view.mode = isPanning ? AcEdViewMode.PAN : AcEdViewMode.SELECTION;
  }

  get isPanning(): boolean {
    return this.#view.mode === AcEdViewMode.PAN;
  }

  get background(): "light" | "dark" {
    return this.#background;
  }

  setBackground(background: "light" | "dark"): void {
    this.#background = background;
    const { red, green, blue } = BACKGROUNDS[background];
    AcDbSysVarManager.instance().setVar("MODELBKCOLOR", new AcCmColor().setRGB(red, green, blue), this.#database);
    acedApplyUiTheme(background, this.#view.container);
    settleAxes(this.#view, background);
  }

  setLayerVisible(name: string, isVisible: boolean): void {
    this.#manager.curDocument.layerStore.setLayerOn(name, isVisible);
  }

  showAllLayers(): void {
    this.#manager.curDocument.layerStore.setAllLayersOn();
  }

  setCurrentLayer(name: string): void {
    this.#manager.curDocument.layerStore.setCurrentLayer(name);
  }

  /** Whether dots, lines and areas are all on the canvas. */
  whenDrawn(): Promise<boolean> {
    return this.#view.waitUntilIdle();
  }

  #corners(): [{ x: number; y: number }, { x: number; y: number }] {
    const view = this.#view;
    const one = view.screenToWorld({ x: 0, y: view.height });
    const other = view.screenToWorld({ x: view.width, y: 0 });
    return [one, other];
  }

  /** What is typed goes to the command line, not to boxes beside the pointer, which cover a small screen. */
  #setOwnVariables(): void {
    const variables = AcDbSysVarManager.instance();
    variables.setVar("DYNMODE", 0, this.#database);
  }

  #listenToView(): void {
    const view = this.#view;
    const { events } = view.editor;
    const selection = () => this.#tellSelection();
    view.selectionSet.events.selectionAdded.addEventListener(selection);
    view.selectionSet.events.selectionRemoved.addEventListener(selection);
    view.events.viewChanged.addEventListener(() => this.#listener.viewChanged());
    view.events.mouseMove.addEventListener(() => {
      const { x, y } = view.curPos;
      const { formatter } = this.#database;
      this.#listener.pointer(formatter.formatLength(x), formatter.formatLength(y));
    });
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.isBusy) this.#isCancelled = true;
    }, { capture: true });
    events.commandWillStart.addEventListener(({ command }) => {
      if (command === this.#expected) {
        this.#running = command;
        this.#expected = null;
      }
      this.#listener.command("commandWillStart", command.globalName);
    });
    events.commandEnded.addEventListener(({ command }) => {
      if (command === this.#running) this.#running = null;
      else this.#ended(this.#takeCancelled() ? "commandCancelled" : "commandEnded", command);
    });
    events.sysVarChanged.addEventListener(({ name }) => {
      if (name.toUpperCase() === "MODELBKCOLOR") this.#followBackground();
      this.#listener.variable(name);
    });
  }

  /** The command SWITCHBG changes the colour alone. */
  #followBackground(): void {
    const colour: unknown = AcDbSysVarManager.instance().getVar("MODELBKCOLOR", this.#database);
    if (!(colour instanceof AcCmColor)) return;
    const isLight = (colour.red ?? 0) + (colour.green ?? 0) + (colour.blue ?? 0) > (3 * 255) / 2;
    const background = isLight ? "light" : "dark";
    if (background !== this.#background) this.setBackground(background);
  }

  #takeCancelled(): boolean {
    const isCancelled = this.#isCancelled;
    this.#isCancelled = false;
    return isCancelled;
  }

  #ended(event: CommandEvent, command: AcEdCommand): void {
    this.#listener.command(event, command.globalName);
    this.#tellUndo();
  }

  #listenToDatabase(): void {
    const { events } = this.#database;
    const modified = () => {
      if (this.#isReading) return;
      this.#listener.modified();
      this.#tellUndo();
      this.#tellSelection();
    };
    for (const event of [events.entityAppended, events.entityModified, events.entityErased]) event.addEventListener(modified);
    for (const event of [events.layerAppended, events.layerModified, events.layerErased]) event.addEventListener(modified);
    const store = this.#manager.curDocument.layerStore;
    store.events.changed.addEventListener(({ layers, currentLayerName }) => this.#listener.layers(layers, currentLayerName));
    this.#listener.layers(store.getLayers(), store.getCurrentLayerName());
  }

  #tellUndo(): void {
    const { transactionManager } = this.#database;
    this.#listener.undoable(transactionManager.canUndo(), transactionManager.canRedo());
  }

  #tellSelection(): void {
    const { ids } = this.#view.selectionSet;
    const entities: AcDbEntity[] = this.#manager.curDocument.entityService.getEntitiesByIds(ids);
    this.#listener.selected(entities.map((entity) => describeEntity(entity, this.#database)), entities.length);
  }
}
