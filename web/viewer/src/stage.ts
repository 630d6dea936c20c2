/** The element's shadow tree: picture, progress, messages and the place of the panel. No protocol, no three.js. */
import { el, freshId } from "./dom.js";
import type { VitrineError } from "./errors.js";
import { ANNOUNCE_AFTER_MS } from "./limits.js";
import { TEXTS, headingFor } from "./texts.js";

export interface StageEvents {
  fit: () => void;
}

const SVG = "http://www.w3.org/2000/svg";

function icon(size: number, ...paths: string[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true" })) {
    svg.setAttribute(name, String(value));
  }
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("fill", "none");
    path.setAttribute("stroke", "currentColor");
    path.setAttribute("stroke-width", "1.6");
    path.setAttribute("stroke-linecap", "round");
    path.setAttribute("stroke-linejoin", "round");
    svg.append(path);
  }
  return svg;
}

/** Corners of a frame. */
const FIT_ICON = "M4 9V5a1 1 0 0 1 1-1h4M15 4h4a1 1 0 0 1 1 1v4M20 15v4a1 1 0 0 1-1 1h-4M9 20H5a1 1 0 0 1-1-1v-4";
/** A glass case, closed. */
const CASE_ICON = ["M5 8 9 4h10v12l-4 4H5z", "M5 8h10v12", "M15 8l4-4"];

export class Stage {
  readonly picture = el("div", { class: "picture" });
  readonly frame: HTMLElement;
  readonly #progress = el("div", { class: "progress", role: "progressbar", "aria-label": TEXTS.computing, hidden: true });
  readonly #notice = el("div", { class: "notice", role: "alert", part: "notice", hidden: true });
  readonly #card = el("div", { class: "card", role: "alert", part: "refusal", hidden: true });
  readonly #tools: HTMLElement;
  /** Room for the page's own lines beside the picture: `<div slot="panel-start">` and `<div slot="panel-end">` in the element. */
  readonly #slots = { start: el("slot", { name: "panel-start" }), end: el("slot", { name: "panel-end" }) };
  readonly #side = el("div", { class: "side", hidden: true });
  #panel: HTMLElement | null = null;
  readonly #spoken = el("div", { class: "spoken", role: "status", "aria-live": "polite" });
  #busy = 0;
  #spokeOfComputing = false;
  #speakTimer: ReturnType<typeof setTimeout> | undefined;
  #refused = false;

  constructor(events: StageEvents) {
    const fit = el("button", { type: "button", class: "tool", "aria-label": TEXTS.fit, title: TEXTS.fit });
    fit.append(icon(20, FIT_ICON));
    fit.addEventListener("click", () => events.fit());
    this.#tools = el("div", { class: "tools", part: "tools", hidden: true }, fit);
    const stage = el(
      "div",
      { class: "stage", part: "stage" },
      this.picture,
      this.#progress,
      this.#tools,
      this.#notice,
      this.#card,
    );
    this.frame = el("div", { class: "frame", part: "frame" }, stage, this.#side, this.#spoken);
    this.setPanel(null);
    for (const slot of Object.values(this.#slots)) slot.addEventListener("slotchange", () => this.#arrange());
  }

  get isRefused(): boolean {
    return this.#refused;
  }

  /** A complete model stands in the picture. */
  get isShowing(): boolean {
    return this.picture.classList.contains("shown");
  }

  /** Back to an empty picture for another session. Work that was begun before still ends by its own function. */
  reset(): void {
    this.#refused = false;
    this.#card.hidden = true;
    this.#card.replaceChildren();
    this.#tools.hidden = true;
    this.picture.classList.remove("shown");
    this.clearNotice();
    this.setPanel(null);
  }

  setPanel(panel: HTMLElement | null): void {
    this.#panel = panel;
    this.#side.replaceChildren(this.#slots.start, ...(panel ? [panel] : []), this.#slots.end);
    this.#arrange();
  }

  /** One colour behind the model; null for the stage's own light. */
  setBackground(colour: string | null): void {
    for (const name of ["--vt-stage-centre", "--vt-stage-edge"]) {
      if (colour === null) this.frame.style.removeProperty(name);
      else this.frame.style.setProperty(name, colour);
    }
  }

  #arrange(): void {
    const given = Object.values(this.#slots).some((slot) => slot.assignedElements().length > 0);
    const filled = given || (this.#panel?.childElementCount ?? 0) > 0;
    this.#side.hidden = !filled;
    this.frame.classList.toggle("with-panel", filled);
  }

  /** Shows that work is under way until the returned function is called. */
  begin(): () => void {
    this.#busy += 1;
    if (this.#busy === 1) {
      this.#progress.hidden = false;
      this.#speakTimer = setTimeout(() => {
        this.#spokeOfComputing = true;
        this.#spoken.textContent = `${TEXTS.computing}.`;
      }, ANNOUNCE_AFTER_MS);
    }
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#busy -= 1;
      if (this.#busy > 0) return;
      clearTimeout(this.#speakTimer);
      this.#progress.hidden = true;
    };
  }

  /** A complete model is in the picture. `facts` is what changed beside it, in words. */
  reveal(facts: string): void {
    this.picture.classList.add("shown");
    this.#tools.hidden = false;
    this.#card.hidden = true;
    const text = [this.#spokeOfComputing ? TEXTS.upToDate : "", facts].filter(Boolean).join(" ");
    this.#spokeOfComputing = false;
    if (this.#spoken.textContent !== text) this.#spoken.textContent = text;
  }

  /** A calm line: nothing is wrong, it only takes longer. */
  note(text: string): void {
    this.#notice.classList.add("calm");
    this.#notice.replaceChildren(el("p", {}, text));
    this.#notice.hidden = false;
  }

  /** Something failed, the model that is shown stays. `again` repeats what failed. */
  warn(text: string, again: () => void): void {
    const close = el("button", { type: "button", class: "button" }, TEXTS.dismiss);
    close.addEventListener("click", () => this.clearNotice());
    this.#notice.classList.remove("calm");
    this.#notice.replaceChildren(el("p", {}, text), this.#again(again), close);
    this.#notice.hidden = false;
  }

  clearNotice(): void {
    this.#notice.hidden = true;
    this.#notice.replaceChildren();
  }

  /** Nothing can be shown, but a repeat may help. */
  fail(error: VitrineError, again: () => void): void {
    this.#showCard(error, this.#again(again));
  }

  /** The server decided that this page may not show the model. `again` asks it once more. */
  refuse(error: VitrineError, again?: () => void): void {
    this.#refused = true;
    this.#tools.hidden = true;
    this.picture.classList.remove("shown");
    this.#showCard(error, ...(again ? [this.#again(again)] : []));
  }

  #showCard(error: VitrineError, ...actions: HTMLElement[]): void {
    const id = freshId();
    this.clearNotice();
    this.#card.setAttribute("aria-labelledby", id);
    this.#card.replaceChildren(
      icon(48, ...CASE_ICON),
      el("h2", { id }, headingFor(error)),
      el("p", {}, error.message),
      ...actions,
    );
    this.#card.hidden = false;
  }

  #again(again: () => void): HTMLButtonElement {
    const button = el("button", { type: "button", class: "button" }, TEXTS.again);
    button.addEventListener("click", () => {
      this.#card.hidden = true;
      this.clearNotice();
      again();
    });
    return button;
  }
}
