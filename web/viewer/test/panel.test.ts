import { beforeEach, describe, expect, test, vi } from "vitest";
import { Panel, inGroups, type PanelEvents } from "../src/panel.js";
import type { WireExport, WireParameter } from "../src/wire.js";

let change: ReturnType<typeof vi.fn<PanelEvents["change"]>>;
let download: ReturnType<typeof vi.fn<PanelEvents["download"]>>;

beforeEach(() => {
  document.body.replaceChildren();
  change = vi.fn<PanelEvents["change"]>();
  download = vi.fn<PanelEvents["download"]>(async () => undefined);
});

function show(parameters: Partial<WireParameter>[], exports: WireExport[] = []): Panel {
  const whole = parameters.map((parameter, index) => ({ id: `p${index}`, name: `p${index}`, type: "Int", ...parameter }));
  const panel = new Panel(whole, exports, "en", { change, download });
  document.body.append(panel.element);
  return panel;
}

/** The control that a label names, as a screen reader finds it. */
function labelled<T extends HTMLElement = HTMLInputElement>(text: string): T {
  const label = [...document.querySelectorAll("label")].find((element) => element.textContent === text);
  const control = label && document.getElementById(label.htmlFor);
  if (!control) throw new Error(`nothing is labelled “${text}”`);
  return control as T;
}

function fire(element: Element, type: "input" | "change" | "click"): void {
  element.dispatchEvent(new Event(type, { bubbles: true }));
}

describe("numbers", () => {
  const width = { displayname: "Width", type: "Float", min: 1, max: 9, decimalplaces: 1, defval: "2.0" };

  test("with both limits have a slider and a field that show the same", () => {
    show([width]);
    const slider = labelled("Width");
    const field = document.querySelector<HTMLInputElement>("input[type=number]");
    expect(slider.type).toBe("range");
    expect([slider.min, slider.max, slider.step]).toEqual(["1", "9", "0.1"]);
    expect(field?.getAttribute("aria-label")).toBe("Width, as a number");
    slider.value = "4.5";
    fire(slider, "input");
    expect(field?.value).toBe("4.5");
    expect(change).toHaveBeenCalledExactlyOnceWith("p0", "4.5", "drag");
    fire(slider, "change");
    expect(change).toHaveBeenLastCalledWith("p0", "4.5", "done");
  });

  test("that are typed beyond a limit come back to it", () => {
    show([width]);
    const field = document.querySelector<HTMLInputElement>("input[type=number]") as HTMLInputElement;
    field.value = "40";
    fire(field, "change");
    expect(field.value).toBe("9.0");
    expect(change).toHaveBeenCalledExactlyOnceWith("p0", "9.0", "done");
  });

  test("that are emptied come back to what they were", () => {
    show([width]);
    const field = document.querySelector<HTMLInputElement>("input[type=number]") as HTMLInputElement;
    field.value = "";
    fire(field, "change");
    expect(field.value).toBe("2.0");
  });

  test("without limits are a labelled field alone", () => {
    show([{ displayname: "Count", type: "Int", defval: "3" }]);
    expect(labelled("Count").type).toBe("number");
    expect(document.querySelector("input[type=range]")).toBeNull();
  });

  test.each(["Even", "Odd"])("of type %s step by two", (type) => {
    show([{ displayname: "N", type, min: 2, max: 11, defval: "4" }]);
    expect(labelled("N").step).toBe("2");
    expect(labelled("N").min).toBe(type === "Even" ? "2" : "3");
  });
});

describe("other types", () => {
  test("a Bool is a switch", () => {
    show([{ displayname: "Lid", type: "Bool", defval: "true" }]);
    const input = labelled("Lid");
    expect([input.getAttribute("role"), input.checked]).toEqual(["switch", true]);
    input.checked = false;
    fire(input, "change");
    expect(change).toHaveBeenCalledWith("p0", "false", "done");
  });

  test("a String has the model's longest length", () => {
    show([{ displayname: "Text", type: "String", max: 12, defval: "hi" }]);
    expect(labelled("Text").getAttribute("maxlength")).toBe("12");
    labelled("Text").value = "hello";
    fire(labelled("Text"), "input");
    expect(change).toHaveBeenCalledWith("p0", "hello", "drag");
  });

  test("a StringList sends the index of its choice", () => {
    show([{ displayname: "Wood", type: "StringList", choices: ["Oak", "Ash"], defval: "1" }]);
    const select = labelled<HTMLSelectElement>("Wood");
    expect(select.value).toBe("1");
    select.value = "0";
    fire(select, "change");
    expect(change).toHaveBeenCalledWith("p0", "0", "done");
  });

  test("a checklist is a named group of boxes and may be empty", () => {
    show([{ displayname: "Extras", type: "StringList", visualization: "checklist", choices: ["A", "B", "C"], defval: "0,2" }]);
    const group = document.querySelector("[role=group]");
    expect(document.getElementById(group?.getAttribute("aria-labelledby") ?? "")?.textContent).toBe("Extras");
    const boxes = [...document.querySelectorAll<HTMLInputElement>("input[type=checkbox]")];
    expect(boxes.map((box) => box.checked)).toEqual([true, false, true]);
    for (const box of boxes) box.checked = false;
    fire(boxes[0] as Element, "change");
    expect(change).toHaveBeenCalledWith("p0", "", "done");
  });

  test("a Color keeps the alpha that it came with", () => {
    show([{ displayname: "Colour", type: "Color", defval: "0x11223344" }]);
    const input = labelled("Colour");
    expect(input.value).toBe("#112233");
    input.value = "#aabbcc";
    fire(input, "change");
    expect(change).toHaveBeenCalledWith("p0", "0xaabbcc44", "done");
  });

  test("a clear Color offers its opacity, an opaque one does not", () => {
    show([
      { displayname: "Glass", type: "Color", defval: "0x11223380" },
      { displayname: "Wood", type: "Color", defval: "0x112233ff" },
    ]);
    const opacities = [...document.querySelectorAll<HTMLInputElement>("input[type=range]")];
    expect(opacities.map((input) => input.getAttribute("aria-label"))).toEqual(["Glass, opacity in percent"]);
    (opacities[0] as HTMLInputElement).value = "100";
    fire(opacities[0] as Element, "change");
    expect(change).toHaveBeenCalledWith("p0", "0x112233ff", "done");
  });

  test("types without a control are left out", () => {
    show([{ displayname: "Photo", type: "File" }]);
    expect(document.querySelector("form")).toBeNull();
  });
});

describe("arrangement", () => {
  test("groups are fieldsets with legends, in the author's order, without what is hidden", () => {
    const size = { id: "g", name: "Size" };
    show([
      { displayname: "Third", order: 3 },
      { displayname: "First", order: 1, group: size },
      { displayname: "Hidden", order: 0, hidden: true },
      { displayname: "Second", order: 2, group: size },
    ]);
    expect([...document.querySelectorAll("label")].map((label) => label.textContent)).toEqual(["First", "Second", "Third"]);
    expect(document.querySelector("fieldset > legend")?.textContent).toBe("Size");
    expect(document.querySelectorAll("fieldset label")).toHaveLength(2);
  });

  test("a group that is interrupted stays one group", () => {
    const group = { id: "g", name: "G" };
    const parameters = [1, 2, 3].map((order) => ({ id: `${order}`, name: "n", type: "Int", order, ...(order === 2 ? {} : { group }) }));
    expect(inGroups(parameters).map((section) => section.parameters.map((parameter) => parameter.id))).toEqual([["1", "3"], ["2"]]);
  });

  test("a tooltip unfolds by its button and describes the control", () => {
    show([{ displayname: "Width", tooltip: "Outer <b>width</b>.", min: 0, max: 9 }]);
    const button = document.querySelector<HTMLButtonElement>(".tip-button") as HTMLButtonElement;
    const note = document.getElementById(button.getAttribute("aria-controls") ?? "") as HTMLElement;
    expect(labelled("Width").getAttribute("aria-describedby")).toBe(note.id);
    expect([note.hidden, note.textContent]).toEqual([true, "Outer <b>width</b>."]);
    button.click();
    expect([note.hidden, button.getAttribute("aria-expanded")]).toEqual([false, "true"]);
  });

  test("values set from outside are shown and not reported", () => {
    const panel = show([{ displayname: "Width", type: "Float", decimalplaces: 1, min: 0, max: 9, defval: "1.0" }]);
    panel.setValues({ p0: "7.5", other: "1" });
    expect(labelled("Width").value).toBe("7.5");
    expect(change).not.toHaveBeenCalled();
  });
});

test("facts are a definition list; hidden outputs stay out of it", () => {
  const panel = show([]);
  const content = (value: number): { format: string; data: unknown }[] => [{ format: "data", data: { value, unit: "kg" } }];
  panel.setOutputs([
    { id: "a", name: "Weight", content: content(3) },
    { id: "b", name: "Secret", hidden: true, content: content(4) },
  ]);
  const rows = [...document.querySelectorAll("dl div")].map((row) => [...row.children].map((cell) => cell.textContent));
  expect(rows).toEqual([["Weight", "3\u00a0kg"]]);
});

test("a download runs once however often its button is pressed", async () => {
  let finish: () => void = () => undefined;
  download.mockImplementation(() => new Promise((resolve) => (finish = resolve)));
  show([], [
    { id: "e1", name: "STL", type: "download" },
    { id: "e2", name: "Mail", type: "email" },
  ]);
  const buttons = [...document.querySelectorAll<HTMLButtonElement>(".downloads button")];
  expect(buttons.map((button) => button.textContent)).toEqual(["STL"]);
  buttons[0]?.click();
  buttons[0]?.click();
  expect(download).toHaveBeenCalledExactlyOnceWith("e1");
  finish();
  await vi.waitFor(() => expect(buttons[0]?.hasAttribute("aria-busy")).toBe(false));
});
