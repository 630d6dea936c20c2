import { expect, test } from "vitest";
import { hideFromReader, withoutVariable } from "../src/cad/dxf.js";

const HEADER = "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1024\n9\n$CETRANSPARENCY\n440\n33554687\n9\n$INSUNITS\n70\n4\n0\nENDSEC\n0\nEOF\n";

test("what is saved has no variable that cannot be read again, and all the others", () => {
  const saved = withoutVariable(HEADER);
  expect(saved).not.toContain("TRANSPARENCY");
  expect(saved).toContain("9\n$ACADVER\n1\nAC1024\n9\n$INSUNITS\n70\n4\n");
  expect(withoutVariable(HEADER.replaceAll("\n", "\r\n"))).not.toContain("TRANSPARENCY");
  expect(withoutVariable(saved)).toBe(saved);
});

test("a drawing that was saved with it can be read, and stays as long as it was", () => {
  const bytes = new TextEncoder().encode(HEADER).buffer as ArrayBuffer;
  hideFromReader(bytes);
  const text = new TextDecoder().decode(bytes);
  expect(text).not.toContain("$CETRANSPARENCY");
  expect(text).toHaveLength(HEADER.length);
  hideFromReader(new ArrayBuffer(0));
});
