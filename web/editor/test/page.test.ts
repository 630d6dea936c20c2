import { expect, test } from "vitest";
import { Failure } from "../src/api.js";
import { wordsFor } from "../src/notices.js";
import { languageFor, setLanguage, t } from "../src/texts.js";

test.each([
  ["de", "de"],
  ["de-AT", "de"],
  ["German", "de"],
  ["fr", "en"],
  ["", "en"],
  [null, "en"],
])("the language for %s is %s", (wish, language) => {
  expect(languageFor(wish)).toBe(language);
});

test("words are filled in, in both languages", () => {
  setLanguage("de");
  expect(t("heldBy", { name: "Grace" })).toMatch(/^Grace bearbeitet/);
  setLanguage("en");
  expect(t("heldBy", { name: "Grace" })).toMatch(/^Grace is editing/);
});

test("each failure while opening has its own sentence", () => {
  expect(wordsFor(new Failure("refused", "Wrong token"), true)).toBe("tokenRefused");
  expect(wordsFor(new Failure("gone", "gone"), false)).toBe("sessionGone");
  expect(wordsFor(new Failure("missing", "missing"), false)).toBe("drawingMissing");
  expect(wordsFor(new Failure("unreachable", "no line"), false)).toBe("noConnection");
  expect(wordsFor(new Failure("trouble", "no drawing", { status: 400, code: "drawing-invalid" }), false)).toBe("drawingBroken");
  expect(wordsFor(new Failure("trouble", "500"), false)).toBe("serverTrouble");
});
