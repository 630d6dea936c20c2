/** The page's frame: bar, tools, stage, panel. It knows words and buttons, nothing of drawings. */
import { byId, el, icon } from "./dom.js";
import { t, type TextKey } from "./texts.js";
import { DRAW_TOOLS, ICONS, MODIFY_TOOLS, type Tool, VIEW_TOOLS } from "./tools.js";

export interface ShellPorts {
  run(command: string): void;
  select(): void;
  pan(): void;
  fit(): void;
  zoom(factor: number): void;
  toggleBackground(): void;
  undo(): void;
  redo(): void;
  save(): void;
}

const ZOOM_STEP = 1.4;

/** A button with an icon, a name and a tooltip that says the key too. */
export function iconButton(label: TextKey, paths: string, { key = "", id = "" } = {}): HTMLButtonElement {
  const title = key ? `${t(label)} (${key})` : t(label);
  return el("button", { type: "button", class: "tool", title, "aria-label": t(label), ...(id ? { id } : {}) }, icon(paths));
}

export class Shell {
  readonly stage = byId("stage");
  readonly #tools = byId("tools");
  readonly #panel = byId("panel");
  readonly #buttons = new Map<string, HTMLButtonElement>();
  readonly #undo = iconButton("undo", ICONS.undo, { key: "Ctrl+Z" });
  readonly #redo = iconButton("redo", ICONS.redo, { key: "Ctrl+Y" });
  readonly #save = iconButton("save", ICONS.save, { key: "Ctrl+S" });
  readonly #select = iconButton("select", ICONS.select);
  readonly #pan = iconButton("pan", ICONS.pan);
  readonly #panelButton = iconButton("panel", ICONS.panel, { id: "panel-button" });
  #drawGroups: HTMLElement[] = [];

  constructor(title: string, { showsDrawTools }: { showsDrawTools: boolean }, ports: ShellPorts) {
    document.title = title;
    byId("title").textContent = title;
    this.#fillBar(ports);
    this.#fillTools(ports, showsDrawTools);
    this.#fillPanel();
    byId("workspace").hidden = false;
  }

  /** Shows what may be done: with the tools that draw, or without. */
  setMode(canWrite: boolean, badge: string): void {
    document.body.dataset["mode"] = canWrite ? "edit" : "view";
    for (const group of this.#drawGroups) group.hidden = !canWrite;
    for (const button of [this.#undo, this.#redo, this.#save]) button.hidden = !canWrite;
    byId("badge").textContent = badge;
  }

  setUndoable(canUndo: boolean, canRedo: boolean): void {
    this.#undo.disabled = !canUndo;
    this.#redo.disabled = !canRedo;
  }

  setSaving(words: string, kind: "quiet" | "busy" | "bad", canSave: boolean): void {
    const state = byId("saving");
    state.textContent = words;
    state.dataset["kind"] = kind;
    this.#save.disabled = !canSave;
  }

  setPanning(isPanning: boolean): void {
    this.#select.setAttribute("aria-pressed", String(!isPanning));
    this.#pan.setAttribute("aria-pressed", String(isPanning));
  }

  /** Marks the tool whose command runs. */
  setActive(command: string | null): void {
    for (const [name, button] of this.#buttons) button.setAttribute("aria-pressed", String(name === command));
  }

  setPointer(x: string, y: string): void {
    byId("pointer").textContent = `${x}  ${y}`;
  }

  togglePanel(isOpen = this.#panel.hidden): void {
    this.#panel.hidden = !isOpen;
    this.#panelButton.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen && this.#panel.contains(document.activeElement)) this.#panelButton.focus();
  }

  #fillBar(ports: ShellPorts): void {
    this.#undo.addEventListener("click", () => ports.undo());
    this.#redo.addEventListener("click", () => ports.redo());
    this.#save.addEventListener("click", () => ports.save());
    this.#panelButton.setAttribute("aria-controls", "panel");
    this.#panelButton.setAttribute("aria-expanded", "false");
    this.#panelButton.addEventListener("click", () => this.togglePanel());
    byId("actions").append(this.#undo, this.#redo, this.#save, this.#panelButton);
    this.setUndoable(false, false);
  }

  #fillTools(ports: ShellPorts, showsDrawTools: boolean): void {
    const act = (button: HTMLButtonElement, call: () => void) => {
      button.addEventListener("click", call);
      return button;
    };
    this.#tools.setAttribute("aria-label", t("tools"));
    const view = this.#group(
      "view",
      act(this.#select, () => ports.select()),
      act(this.#pan, () => ports.pan()),
      act(iconButton("fit", ICONS.fit, { key: "Home" }), () => ports.fit()),
      act(iconButton("zoomIn", ICONS.zoomIn, { key: "+" }), () => ports.zoom(ZOOM_STEP)),
      act(iconButton("zoomOut", ICONS.zoomOut, { key: "−" }), () => ports.zoom(1 / ZOOM_STEP)),
      act(iconButton("background", ICONS.background), () => ports.toggleBackground()),
    );
    const commands = (label: TextKey, tools: readonly Tool[]) =>
      this.#group(label, ...tools.map((tool) => this.#command(tool, ports)));
    if (showsDrawTools) this.#drawGroups = [commands("drawing", [...DRAW_TOOLS, ...MODIFY_TOOLS])];
    this.#tools.append(...this.#drawGroups, view, commands("measureDistance", VIEW_TOOLS));
    this.setPanning(false);
  }

  #command(tool: Tool, ports: ShellPorts): HTMLButtonElement {
    const button = iconButton(tool.label, tool.icon, tool.alias ? { key: tool.alias } : {});
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => ports.run(tool.command));
    this.#buttons.set(tool.command, button);
    return button;
  }

  #group(label: TextKey, ...buttons: HTMLElement[]): HTMLElement {
    return el("div", { class: "group", role: "group", "aria-label": t(label) }, ...buttons);
  }

  #fillPanel(): void {
    this.#panel.setAttribute("aria-label", t("panel"));
    byId("layers-heading").textContent = t("layers");
    byId("properties-heading").textContent = t("properties");
    const close = byId<HTMLButtonElement>("panel-close");
    close.setAttribute("aria-label", t("closePanel"));
    close.append(icon(ICONS.close));
    close.addEventListener("click", () => this.togglePanel(false));
  }
}
