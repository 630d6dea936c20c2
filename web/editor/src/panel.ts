/** The panel beside the stage: layers, and what is selected. */
import type { EntityFacts } from "./cad/facts.js";
import { byId, el } from "./dom.js";
import { SELECTION_SHOWN_MAX } from "./limits.js";
import { t } from "./texts.js";

export interface LayerRow {
  name: string;
  cssColor: string;
  isOn: boolean;
  isFrozen: boolean;
}

export interface PanelPorts {
  setLayerVisible(name: string, isVisible: boolean): void;
  setCurrentLayer(name: string): void;
  showAllLayers(): void;
}

/** A sample of a colour. The colour comes from a drawing, so it goes through the style object, not through markup. */
function swatch(css: string): HTMLElement {
  const sample = el("span", { class: "swatch", "aria-hidden": "true" });
  sample.style.backgroundColor = css;
  return sample;
}

export class Panel {
  readonly #ports: PanelPorts;
  #canWrite = false;
  #layers: readonly LayerRow[] = [];
  #current = "";

  constructor(ports: PanelPorts) {
    this.#ports = ports;
    const all = byId<HTMLButtonElement>("layers-all");
    all.textContent = t("allLayers");
    all.addEventListener("click", () => ports.showAllLayers());
    this.showSelection([], 0);
  }

  setMode(canWrite: boolean): void {
    this.#canWrite = canWrite;
    this.showLayers(this.#layers, this.#current);
  }

  showLayers(layers: readonly LayerRow[], current: string): void {
    this.#layers = layers;
    this.#current = current;
    const focused = (document.activeElement as HTMLElement | null)?.dataset["layer"];
    const rows = [...layers].sort((one, other) => one.name.localeCompare(other.name)).map((layer) => this.#layer(layer));
    byId("layers").replaceChildren(...rows);
    byId("layers-count").textContent = t("layerCount", { count: layers.length });
    if (focused) document.querySelector<HTMLElement>(`[data-layer="${CSS.escape(focused)}"]`)?.focus();
  }

  showSelection(facts: readonly EntityFacts[], count: number): void {
    const list = byId("properties");
    const only = facts[0];
    if (!only || count > SELECTION_SHOWN_MAX) {
      list.replaceChildren(el("p", { class: "fine" }, count > 0 ? t("manySelected", { count }) : t("nothingSelected")));
      return;
    }
    const row = (label: string, value: string, css?: string) => {
      const words = el("dd", {}, ...(css ? [swatch(css)] : []), value);
      return el("div", {}, el("dt", {}, label), words);
    };
    list.replaceChildren(el("dl", {}, row(t("kind"), only.kind), ...only.rows.map(({ label, value, swatch: css }) => row(label, value, css))));
  }

  #layer(layer: LayerRow): HTMLLIElement {
    const box = el("input", { type: "checkbox", "aria-label": t("layerVisible", { name: layer.name }), "data-layer": layer.name });
    box.checked = layer.isOn && !layer.isFrozen;
    box.addEventListener("change", () => this.#ports.setLayerVisible(layer.name, box.checked));
    const isCurrent = layer.name === this.#current;
    const name = this.#canWrite
      ? el("button", { type: "button", class: "layer-name", "aria-pressed": String(isCurrent), title: t("layerCurrent", { name: layer.name }) })
      : el("span", { class: "layer-name" });
    name.append(layer.name);
    if (isCurrent && this.#canWrite) name.append(el("span", { class: "mark" }, t("layerIsCurrent")));
    name.addEventListener("click", () => {
      if (this.#canWrite) this.#ports.setCurrentLayer(layer.name);
    });
    return el("li", {}, box, swatch(layer.cssColor), name);
  }
}
