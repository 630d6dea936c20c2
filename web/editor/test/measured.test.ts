import { expect, test } from "vitest";
import { measured } from "../src/cad/measured.js";

const STYLE = { dimlfac: 1, dimdec: 2, dimzin: 0, dimdsep: ".", dimpost: "" };

test.each([
  [2000, {}, "2000.00"],
  [2000, { dimzin: 8 }, "2000"],
  [2000.5, { dimzin: 8 }, "2000.5"],
  [100, { dimdec: 0, dimzin: 8 }, "100"],
  [1234.5678, { dimdec: 3, dimdsep: "," }, "1234,568"],
  [1234.5, { dimdsep: "44", dimdec: 1 }, "1234,5"],
  [1.25, { dimlfac: 1000, dimdec: 0 }, "1250"],
  [7, { dimlfac: 0, dimdec: -3 }, "7"],
  [3, { dimdec: 0, dimpost: "<> mm" }, "3 mm"],
  [3, { dimdec: 0, dimpost: " m" }, "3 m"],
])("%s is written as the style says", (length, style, text) => {
  expect(measured(length, { ...STYLE, ...style })).toBe(text);
});
