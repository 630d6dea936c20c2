import { describe, expect, test } from "vitest";
import { choicesFromWire, clampNumber, colorFromWire, colorToWire, describeValue, inOrder, numberToWire, rangeOf, stepOf, toWire } from "../src/values.js";
import type { WireParameter } from "../src/wire.js";

function parameter(type: string, more: Partial<WireParameter> = {}): WireParameter {
  return { id: "p", name: "p", type, ...more };
}

describe("numbers", () => {
  test.each([
    ["Float", { decimalplaces: 2 }, 2, "2.00"],
    ["Float", { decimalplaces: 1 }, 2.449, "2.4"],
    ["Float", { decimalplaces: 0 }, 2.5, "3"],
    ["Float", { decimalplaces: 2 }, -0.001, "0.00"],
    ["Float", { decimalplaces: 1, max: 5 }, 7, "5.0"],
    ["Int", {}, 2.6, "3"],
    ["Int", { min: 4 }, 1, "4"],
    ["Even", {}, 3.2, "4"],
    ["Even", {}, 2.9, "2"],
    ["Odd", {}, 4, "5"],
    ["Odd", {}, -3, "-3"],
    ["Even", { max: 7 }, 9, "6"],
    ["Odd", { min: 2 }, 0, "3"],
  ] as const)("%s %o makes %d into %s", (type, more, value, wire) => {
    expect(numberToWire(parameter(type, more), value)).toBe(wire);
  });

  test("the ends of a range are valid values themselves", () => {
    expect(rangeOf(parameter("Even", { min: 3, max: 9 }))).toEqual({ min: 4, max: 8 });
    expect(rangeOf(parameter("Odd", { min: 2.5, max: 8 }))).toEqual({ min: 3, max: 7 });
    expect(rangeOf(parameter("Float", { min: 0.5 }))).toEqual({ min: 0.5 });
  });

  test("steps follow parity and decimals", () => {
    expect(stepOf(parameter("Odd"))).toBe(2);
    expect(stepOf(parameter("Int"))).toBe(1);
    expect(stepOf(parameter("Float", { decimalplaces: 3 }))).toBe(0.001);
  });

  test("what is typed is brought to the nearest valid value", () => {
    expect(clampNumber(parameter("Even", { min: 2, max: 10 }), 99)).toBe(10);
  });
});

describe("colours", () => {
  test.each([
    ["0xC89B6AFF", "#c89b6a", 255],
    ["0xc89b6a", "#c89b6a", 255],
    ["#c89b6a80", "#c89b6a", 128],
    ["#C89B6A", "#c89b6a", 255],
  ])("%s is read", (wire, hex, alpha) => {
    expect(colorFromWire(wire)).toEqual({ hex, alpha });
  });

  test.each(["red", "0x12", "#12345g", ""])("%j is no colour", (wire) => {
    expect(colorFromWire(wire)).toBeNull();
  });

  test("are written with their opacity", () => {
    expect(colorToWire({ hex: "#C89B6A", alpha: 128 })).toBe("0xc89b6a80");
    expect(toWire(parameter("Color"), "#fff00f")).toBe("0xfff00fff");
  });
});

describe("choices", () => {
  const wood = parameter("StringList", { choices: ["Oak", "Ash", "2"] });

  test("are sent as indices, whether given by index, by several or by name", () => {
    expect(toWire(wood, 1)).toBe("1");
    expect(toWire(wood, [2, 0, 2])).toBe("0,2");
    expect(toWire(wood, "Ash")).toBe("1");
    expect(toWire(wood, "2")).toBe("2");
  });

  test("that do not exist are dropped when read", () => {
    expect(choicesFromWire(wood, "0, 2,7,x")).toEqual([0, 2]);
    expect(choicesFromWire(wood, "")).toEqual([]);
  });
});

describe("values in words", () => {
  test.each([
    [parameter("Float", { decimalplaces: 2 }), "1234.50", "1,234.5"],
    [parameter("Bool"), "true", "Yes"],
    [parameter("StringList", { choices: ["Oak", "Ash"] }), "0,1", "Oak, Ash"],
    [parameter("StringList", { choices: ["Oak"] }), "", "None"],
    [parameter("Color"), "0xc89b6aff", "#c89b6a"],
    [parameter("String"), "Hello", "Hello"],
  ])("%o %j", (which, wire, words) => {
    expect(describeValue(which, wire, "en")).toBe(words);
  });
});

test("hidden items are left out and the rest is in the author's order", () => {
  const items = [{ id: 1, order: 3 }, { id: 2, hidden: true }, { id: 3, order: 1 }, { id: 4, order: 1 }];
  expect(inOrder(items).map((item) => item.id)).toEqual([3, 4, 1]);
});
