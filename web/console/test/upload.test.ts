import { describe, expect, test } from "vitest";
import type { Metric } from "../src/platform.js";
import { excerptOf, reportOf } from "../src/report.js";
import { faultOf, titleOf } from "../src/upload.js";
import { niceMax, startsOf, stretchesOf, totalOf } from "../src/usage.js";
import { bytes } from "../src/words.js";

describe("what a check found", () => {
  test("line, message and advice are told apart", () => {
    const report = reportOf("the model's script failed in line 12: ReferenceError: edge is not defined");
    expect(report).toMatchObject({ line: 12, message: "ReferenceError: edge is not defined" });
    expect(report.advice).toContain("used before it is made");
  });

  test("a fault without a line, and one that is no script's, keep their words", () => {
    expect(reportOf("the model's script failed: no\nway")).toMatchObject({ line: undefined, message: "No\nway" });
    expect(reportOf("the file is not a usable model: it has no main().").message).toBe("It has no main().");
    expect(reportOf("The model has no outputs.").advice).toContain("upload it again");
  });

  test("the lines around the fault are shown, and nothing where there is no such line", () => {
    const source = Array.from({ length: 9 }, (_, index) => `line ${index + 1}`).join("\n");
    expect(excerptOf(source, 2).map(({ number, faulty }) => [number, faulty])).toEqual([
      [1, false],
      [2, true],
      [3, false],
      [4, false],
      [5, false],
    ]);
    expect(excerptOf(source, 9).at(-1)).toEqual({ number: 9, text: "line 9", faulty: true });
    expect([excerptOf(source, 10), excerptOf(source, 0)]).toEqual([[], []]);
    expect(excerptOf("x".repeat(500), 1)[0]?.text.length).toBeLessThan(210);
  });
});

describe("files", () => {
  test("what cannot be a model is told before it is sent", () => {
    expect(faultOf({ name: "Shelf.JS", size: 1 })).toBeUndefined();
    expect(faultOf({ name: "box.scad", size: 1 })).toBeUndefined();
    expect(faultOf({ name: "box.js", size: 0 })).toContain("empty");
    expect(faultOf({ name: "photo.png", size: 1 })).toContain("photo.png");
  });

  test("a title begins with the file's name, and sizes are read easily", () => {
    expect([titleOf("oak_table-2.final.js"), bytes(12), bytes(1500), bytes(2_340_000)]).toEqual(["Oak table 2 final", "12 bytes", "1.5 kB", "2.3 MB"]);
  });
});

describe("usage", () => {
  const now = Date.UTC(2027, 0, 2, 12) / 1000;
  const day = (at: number, credits: number): Metric => {
    const none = { exports: { credits: 0 }, outputs: {}, combined: { credits: 0 }, sessions: { credits: 0 }, computations: { credits: 0 } };
    return { timestamp_date: at, timestamp: "", data: { default: { ...none, sessions: { credits } }, limited: { ...none, exports: { credits: 2 } }, loading: { credits: 1 } } };
  };

  test("days and months end with the present one and begin at midnight of UTC", () => {
    expect(new Date((startsOf("day", now).at(-1) ?? 0) * 1000).toISOString()).toBe("2027-01-02T00:00:00.000Z");
    expect(new Date((startsOf("month", now)[0] ?? 0) * 1000).toISOString()).toBe("2026-02-01T00:00:00.000Z");
    expect([startsOf("day", now).length, startsOf("month", now).length]).toEqual([31, 12]);
  });

  test("stretches without use are there, and the sums are those of the rows", () => {
    const stretches = stretchesOf([day(Date.UTC(2027, 0, 1) / 1000, 7)], "day", now);
    expect(stretches.at(-2)).toMatchObject({ total: 10, credits: { sessions: 7, exports: 2, other: 1, computations: 0 } });
    expect([stretches.at(-1)?.total, totalOf(stretches)]).toEqual([0, 10]);
  });

  test("an axis ends at a round number that holds every bar", () => {
    expect([0, 1, 3, 10, 11, 470].map(niceMax)).toEqual([1, 1, 5, 10, 20, 500]);
  });
});
