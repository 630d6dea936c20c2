/** One control per parameter type. A control shows a value, reports changes as the API's text, and can be set from outside. */
import { el, freshId } from "./dom.js";
import {
  choicesFromWire,
  choicesToWire,
  clampNumber,
  colorFromWire,
  colorToWire,
  decimalsOf,
  isChecklist,
  isNumeric,
  labelOf,
  numberToWire,
  rangeOf,
  stepOf,
  type Rgba,
} from "./values.js";
import type { WireParameter } from "./wire.js";

/** `drag` while a slider or colour moves, `done` when the person has chosen. */
export type Phase = "drag" | "done";
export type Report = (wire: string, phase: Phase) => void;

export interface Control {
  element: HTMLElement;
  set: (wire: string) => void;
}

/** Makes the control of a parameter; null for types that no control exists for (files, drawings, …). */
export function createControl(parameter: WireParameter, report: Report): Control | null {
  if (isNumeric(parameter)) return numberControl(parameter, report);
  if (isChecklist(parameter)) return checklistControl(parameter, report);
  switch (parameter.type) {
    case "Bool":
      return switchControl(parameter, report);
    case "String":
      return textControl(parameter, report);
    case "StringList":
      return selectControl(parameter, report);
    case "Color":
      return colorControl(parameter, report);
    default:
      return null;
  }
}

/** Explanation of a parameter: a button that unfolds it, and the text for `aria-describedby`. */
function tooltip(parameter: WireParameter): { nodes: HTMLElement[]; button: HTMLElement[]; describedBy?: string } {
  const text = parameter.tooltip?.trim();
  if (!text) return { nodes: [], button: [] };
  const id = freshId();
  const note = el("p", { class: "tip", id, hidden: true }, text);
  const button = el(
    "button",
    { type: "button", class: "tip-button", "aria-expanded": "false", "aria-controls": id, "aria-label": `About ${labelOf(parameter)}` },
    "?",
  );
  button.addEventListener("click", () => {
    note.hidden = !note.hidden;
    button.setAttribute("aria-expanded", String(!note.hidden));
  });
  return { nodes: [note], button: [button], describedBy: id };
}

/** Label and explanation on top, the control below. */
function field(parameter: WireParameter, inputId: string, make: (describedBy?: string) => HTMLElement[]): HTMLElement {
  const tip = tooltip(parameter);
  const label = el("label", { for: inputId, class: "label" }, labelOf(parameter));
  const head = el("div", { class: "head" }, label, ...tip.button);
  return el("div", { class: "field", part: "field" }, head, ...tip.nodes, ...make(tip.describedBy));
}

function numberControl(parameter: WireParameter, report: Report): Control {
  const { min, max } = rangeOf(parameter);
  const id = freshId();
  const limits = { min, max, step: stepOf(parameter) };
  const hasSlider = min !== undefined && max !== undefined && max > min;
  const slider = hasSlider ? el("input", { type: "range", id, ...limits }) : null;
  const number = el("input", {
    type: "number",
    inputmode: decimalsOf(parameter) > 0 ? "decimal" : "numeric",
    ...limits,
    ...(slider ? { "aria-label": `${labelOf(parameter)}, as a number` } : { id }),
  });
  const show = (wire: string): void => {
    number.value = wire;
    if (!slider) return;
    slider.value = wire;
    const share = (Number(wire) - Number(slider.min)) / (Number(slider.max) - Number(slider.min));
    slider.style.setProperty("--filled", `${Math.min(Math.max(share, 0), 1) * 100}%`);
  };
  let shown = parameter.defval ?? "";
  const set = (wire: string): void => {
    shown = Number.isFinite(Number(wire)) && wire.trim() !== "" ? numberToWire(parameter, Number(wire)) : wire;
    show(shown);
  };
  const move = (phase: Phase) => (): void => {
    shown = numberToWire(parameter, Number(slider?.value));
    show(shown);
    report(shown, phase);
  };
  slider?.addEventListener("input", move("drag"));
  slider?.addEventListener("change", move("done"));
  number.addEventListener("change", () => {
    // An emptied or impossible field falls back to what it showed before.
    const typed = number.valueAsNumber;
    set(Number.isFinite(typed) ? String(clampNumber(parameter, typed)) : shown);
    report(shown, "done");
  });
  const element = field(parameter, id, (describedBy) => {
    for (const input of [slider, number]) if (describedBy) input?.setAttribute("aria-describedby", describedBy);
    return [el("div", { class: slider ? "row" : "row lone" }, ...(slider ? [slider] : []), number)];
  });
  set(shown);
  return { element, set };
}

function switchControl(parameter: WireParameter, report: Report): Control {
  const id = freshId();
  const tip = tooltip(parameter);
  const input = el("input", { type: "checkbox", role: "switch", id, "aria-describedby": tip.describedBy });
  input.addEventListener("change", () => report(String(input.checked), "done"));
  const label = el("label", { for: id, class: "label" }, labelOf(parameter));
  const head = el("div", { class: "head" }, label, ...tip.button, input);
  const set = (wire: string): void => {
    input.checked = wire.toLowerCase() === "true";
  };
  set(parameter.defval ?? "false");
  return { element: el("div", { class: "field switch", part: "field" }, head, ...tip.nodes), set };
}

function textControl(parameter: WireParameter, report: Report): Control {
  const id = freshId();
  const input = el("input", { type: "text", id, maxlength: parameter.max, autocomplete: "off", spellcheck: "false" });
  input.addEventListener("input", () => report(input.value, "drag"));
  input.addEventListener("change", () => report(input.value, "done"));
  const element = field(parameter, id, (describedBy) => {
    if (describedBy) input.setAttribute("aria-describedby", describedBy);
    return [input];
  });
  const set = (wire: string): void => {
    // What is being typed is newer than any answer.
    if (input.getRootNode() instanceof ShadowRoot && (input.getRootNode() as ShadowRoot).activeElement === input) return;
    input.value = wire;
  };
  input.value = parameter.defval ?? "";
  return { element, set };
}

function selectControl(parameter: WireParameter, report: Report): Control {
  const id = freshId();
  const options = (parameter.choices ?? []).map((choice, index) => el("option", { value: index }, choice));
  const select = el("select", { id }, ...options);
  select.addEventListener("change", () => report(select.value, "done"));
  const element = field(parameter, id, (describedBy) => {
    if (describedBy) select.setAttribute("aria-describedby", describedBy);
    return [el("div", { class: "select" }, select)];
  });
  const set = (wire: string): void => {
    select.value = String(choicesFromWire(parameter, wire)[0] ?? 0);
  };
  set(parameter.defval ?? "0");
  return { element, set };
}

function checklistControl(parameter: WireParameter, report: Report): Control {
  const tip = tooltip(parameter);
  const boxes = (parameter.choices ?? []).map((_choice, index) => el("input", { type: "checkbox", value: index, id: freshId() }));
  const rows = boxes.map((box, index) =>
    el("label", { class: "check", for: box.id }, box, parameter.choices?.[index] ?? ""),
  );
  for (const box of boxes) {
    box.addEventListener("change", () =>
      report(choicesToWire(boxes.filter((other) => other.checked).map((other) => Number(other.value))), "done"),
    );
  }
  const labelId = freshId();
  const head = el("div", { class: "head" }, el("span", { class: "label", id: labelId }, labelOf(parameter)), ...tip.button);
  const group = el(
    "div",
    { role: "group", class: "checks", "aria-labelledby": labelId, "aria-describedby": tip.describedBy },
    ...rows,
  );
  const set = (wire: string): void => {
    const chosen = new Set(choicesFromWire(parameter, wire));
    boxes.forEach((box, index) => (box.checked = chosen.has(index)));
  };
  set(parameter.defval ?? "");
  return { element: el("div", { class: "field", part: "field" }, head, ...tip.nodes, group), set };
}

const OPAQUE = { hex: "#808080", alpha: 255 };

/** Colour, and opacity where the model's own default is not opaque; otherwise the alpha that came is kept. */
function colorControl(parameter: WireParameter, report: Report): Control {
  const id = freshId();
  let color = colorFromWire(parameter.defval ?? "") ?? OPAQUE;
  const input = el("input", { type: "color", id });
  const name = el("output", { class: "color-name", for: id });
  const opacity =
    color.alpha < OPAQUE.alpha
      ? el("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": `${labelOf(parameter)}, opacity in percent` })
      : null;
  const set = (wire: string): void => {
    color = colorFromWire(wire) ?? color;
    input.value = color.hex;
    name.textContent = color.hex;
    if (!opacity) return;
    opacity.value = String(Math.round((color.alpha / 255) * 100));
    opacity.style.setProperty("--filled", `${opacity.value}%`);
  };
  const choose = (chosen: Partial<Rgba>, phase: Phase): void => {
    const wire = colorToWire({ ...color, ...chosen });
    set(wire);
    report(wire, phase);
  };
  for (const [type, phase] of [
    ["input", "drag"],
    ["change", "done"],
  ] as const) {
    input.addEventListener(type, () => choose({ hex: input.value }, phase));
    opacity?.addEventListener(type, () => choose({ alpha: (Number(opacity.value) / 100) * 255 }, phase));
  }
  const element = field(parameter, id, (describedBy) => {
    if (describedBy) input.setAttribute("aria-describedby", describedBy);
    return [el("div", { class: "row color" }, input, name, ...(opacity ? [opacity] : []))];
  });
  set(colorToWire(color));
  return { element, set };
}
