/** The panel beside the picture: parameters in groups, facts about the result, downloads. */
import { createControl, type Control, type Phase } from "./controls.js";
import { factsOf, formatFact } from "./data.js";
import { el } from "./dom.js";
import { inOrder, labelOf } from "./values.js";
import type { WireExport, WireGroup, WireOutput, WireParameter } from "./wire.js";

export interface PanelEvents {
  change: (parameterId: string, wire: string, phase: Phase) => void;
  /** Runs a download; the button is busy until the promise settles. */
  download: (exportId: string) => Promise<void>;
}

export class Panel {
  readonly element = el("div", { class: "panel", part: "panel" });
  readonly #events: PanelEvents;
  readonly #locale: string | undefined;
  readonly #controls = new Map<string, Control>();
  readonly #facts = el("dl", { class: "facts", part: "data", hidden: true });

  constructor(
    parameters: readonly WireParameter[],
    exports: readonly WireExport[],
    locale: string | undefined,
    events: PanelEvents,
  ) {
    this.#events = events;
    this.#locale = locale;
    const form = el("form", { class: "parameters", part: "parameters", "aria-label": "Configuration", novalidate: true });
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const section of inGroups(parameters)) this.#addSection(form, section);
    if (form.childElementCount > 0) this.element.append(form);
    this.element.append(this.#facts);
    const downloads = inOrder(exports).filter((item) => item.type === undefined || item.type === "download");
    if (downloads.length > 0) this.element.append(this.#downloads(downloads));
  }

  setValues(values: Record<string, string>): void {
    for (const [id, control] of this.#controls) {
      const wire = values[id];
      if (wire !== undefined) control.set(wire);
    }
  }

  setOutputs(outputs: readonly WireOutput[]): void {
    const facts = factsOf(inOrder(outputs));
    this.#facts.replaceChildren(
      ...facts.map((fact) =>
        el("div", {}, el("dt", {}, fact.label), el("dd", {}, formatFact(fact, this.#locale))),
      ),
    );
    this.#facts.hidden = facts.length === 0;
  }

  #addSection(form: HTMLElement, section: Section): void {
    const controls: HTMLElement[] = [];
    for (const parameter of section.parameters) {
      const control = createControl(parameter, (wire, phase) => this.#events.change(parameter.id, wire, phase));
      if (!control) continue;
      this.#controls.set(parameter.id, control);
      controls.push(control.element);
    }
    if (controls.length === 0) return;
    if (section.name === null) form.append(...controls);
    else form.append(el("fieldset", { part: "group" }, el("legend", {}, section.name), ...controls));
  }

  #downloads(exports: readonly WireExport[]): HTMLElement {
    const buttons = exports.map((item) => {
      const button = el("button", { type: "button", class: "button", title: item.tooltip || undefined }, labelOf(item));
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-busy") === "true") return;
        // Busy but not disabled: a disabled button would lose the keyboard's focus.
        button.setAttribute("aria-busy", "true");
        void this.#events.download(item.id).finally(() => button.removeAttribute("aria-busy"));
      });
      return button;
    });
    return el("div", { class: "downloads", part: "downloads", role: "group", "aria-label": "Downloads" }, ...buttons);
  }
}

interface Section {
  name: string | null;
  parameters: WireParameter[];
}

/** Parameters in order; a group stands where its first parameter stands. */
export function inGroups(parameters: readonly WireParameter[]): Section[] {
  const sections: Section[] = [];
  const byGroup = new Map<string, Section>();
  for (const parameter of inOrder(parameters)) {
    const group: WireGroup | undefined = parameter.group;
    if (!group) {
      const last = sections.at(-1);
      if (last?.name === null) last.parameters.push(parameter);
      else sections.push({ name: null, parameters: [parameter] });
      continue;
    }
    let section = byGroup.get(group.id);
    if (!section) {
      section = { name: group.name || group.id, parameters: [] };
      byGroup.set(group.id, section);
      sections.push(section);
    }
    section.parameters.push(parameter);
  }
  return sections;
}
