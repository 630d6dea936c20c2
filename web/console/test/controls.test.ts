import { describe, expect, test } from "vitest";
import { changesOf, draftsOf, moved } from "../src/controls.js";
import type { Definition } from "../src/geometry.js";

const definitions: Record<string, Definition> = {
  a: { id: "a", name: "width", type: "Int", hidden: false, order: 2, group: { id: "size", name: "Size" } },
  b: { id: "b", name: "height", type: "Int", hidden: false, order: 1 },
  c: { id: "c", name: "wood", type: "StringList", hidden: true, order: 3, displayname: "Wood" },
};

describe("controls that are edited", () => {
  test("they stand in the order in which visitors see them", () => {
    expect(draftsOf(definitions).map(({ id }) => id)).toEqual(["b", "a", "c"]);
  });

  test("what was not touched is not saved", () => {
    expect(changesOf(draftsOf(definitions), definitions)).toEqual({});
  });

  test("moving one saves every place, and nothing falls off the ends", () => {
    const drafts = moved(draftsOf(definitions), 0, 1);
    expect(changesOf(drafts, definitions)).toEqual({ a: { order: 0 }, b: { order: 1 }, c: { order: 2 } });
    expect(moved(drafts, 0, -1)).toEqual(drafts);
    expect(moved(drafts, 2, 1)).toEqual(drafts);
  });

  test("only members that differ are sent; an empty group is taken away, a known one keeps its id", () => {
    const drafts = draftsOf(definitions).map((draft) => {
      if (draft.id === "a") return { ...draft, group: " " };
      if (draft.id === "b") return { ...draft, group: "Size", label: " Height " };
      return { ...draft, group: "Größe & mehr", hidden: false, label: "" };
    });
    expect(changesOf(drafts, definitions)).toEqual({
      a: { group: null },
      b: { group: { id: "size", name: "Size" }, displayname: "Height" },
      c: { group: { id: "größe-mehr", name: "Größe & mehr" }, hidden: false, displayname: "" },
    });
  });
});
