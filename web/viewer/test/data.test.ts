import { describe, expect, test } from "vitest";
import { factsOf, formatFact } from "../src/data.js";
import { filenameFromDisposition, safeFilename } from "../src/filename.js";
import type { WireOutput } from "../src/wire.js";

function output(data: unknown, name?: string): WireOutput {
  return { id: "o", name: "price", displayname: "Price", content: [{ format: "data", data, ...(name ? { name } : {}) }] };
}

function pairs(data: unknown, name?: string): [string, unknown, string | undefined][] {
  return factsOf([output(data, name)]).map((fact) => [fact.label, fact.value, fact.unit]);
}

describe("data outputs", () => {
  test.each([
    [{ label: "Total", value: 12, unit: "EUR" }, [["Total", 12, "EUR"]]],
    [{ value: 12 }, [["Price", 12, undefined]]],
    [{ Weight: { value: 3, unit: "kg" }, Wood: "Oak" }, [["Weight", 3, "kg"], ["Wood", "Oak", undefined]]],
    [17, [["Price", 17, undefined]]],
    [{ value: { deep: [1] } }, []],
    [[1, 2, 3], []],
    [{ points: [[0, 0]], origin: { x: [1] } }, []],
    [null, []],
    [Number.NaN, []],
  ])("%j", (data, facts) => {
    expect(pairs(data)).toEqual(facts);
  });

  test("are labelled by the content item's name where there is one", () => {
    expect(pairs(5, "Shipping")).toEqual([["Shipping", 5, undefined]]);
  });

  test("other formats are not facts", () => {
    expect(factsOf([{ id: "o", name: "o", content: [{ format: "material", data: { value: 1 } }] }])).toEqual([]);
  });
});

test.each([
  [{ value: 1234.5, unit: "EUR" }, "€1,234.50"],
  [{ value: 12.345, unit: "kg" }, "12.35\u00a0kg"],
  [{ value: 5, unit: "pcs" }, "5\u00a0pcs"],
  [{ value: true }, "Yes"],
  [{ value: "Oak" }, "Oak"],
])("%j reads as people write it", (fact, words) => {
  expect(formatFact(fact, "en")).toBe(words);
});

describe("file names", () => {
  test.each([
    [`attachment; filename="a b.stl"`, "a b.stl"],
    [`attachment; filename=plain.stl`, "plain.stl"],
    [`attachment; filename="x.stl"; filename*=UTF-8''K%C3%A4stchen.stl`, "Kästchen.stl"],
    [`attachment; filename="x.stl"; filename*=UTF-8''%E0%A4%A`, "x.stl"],
    [`attachment`, null],
    [null, null],
  ])("%j", (header, name) => {
    expect(filenameFromDisposition(header)).toBe(name);
  });

  test.each([
    ["Oak shelf", "stl", "Oak shelf.stl"],
    ["box.STL", "stl", "box.STL"],
    ["../../etc/passwd", "stl", "etc passwd.stl"],
    ["", "3mf", "model.3mf"],
    ["a\u0000b", ".glb", "a b.glb"],
  ])("%j with %j is safe as %j", (name, format, safe) => {
    expect(safeFilename(name, format)).toBe(safe);
  });
});
