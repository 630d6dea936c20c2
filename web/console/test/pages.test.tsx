import { describe, expect, test } from "vitest";
import { elementHtml, iframeHtml } from "../src/pages/model-embed.js";
import { address, segments } from "../src/router.js";
import { ago, modelState, spoken } from "../src/words.js";

describe("addresses", () => {
  test("what is put into an address comes out of it", () => {
    for (const parts of [["models"], ["models", "a/b c?#ü", "embed"]]) expect(segments(address(...parts))).toEqual(parts);
  });

  test("an address that nobody made is no error", () => {
    expect(segments("#/models/%")).toEqual(["models", "%"]);
    expect(segments("")).toEqual([]);
  });
});

describe("HTML to copy", () => {
  test("a title cannot leave its attribute", () => {
    const html = iframeHtml("shelf", '"><script>alert(1)</script>&');
    expect(html).toContain('title="&quot;>&lt;script>alert(1)&lt;/script>&amp;"');
  });

  test("the element names the server and the ticket", () => {
    expect(elementHtml("ab-cd")).toContain('/viewer/vitrine-viewer.js"></script>\n<vitrine-viewer\n  ticket="ab-cd"');
  });
});

describe("words", () => {
  test("times are told as people tell them", () => {
    expect([ago(1000, 1010), ago(1000, 1000 + 120), ago(1000, 1000 + 7200), ago(0, 86_400 * 3)]).toEqual([
      "just now",
      "2 minutes ago",
      "2 hours ago",
      "3 days ago",
    ]);
  });

  test("every state of a model has a word", () => {
    expect(["start", "waiting", "pending", "done", "denied"].map((status) => modelState(status).word)).toEqual([
      "No file yet",
      "Being checked",
      "Being checked",
      "Ready",
      "Refused",
    ]);
  });

  test("operations are spoken", () => {
    expect(spoken("CreateSessionByTicket")).toBe("Create session by ticket");
    expect(spoken("PlatformUpdateModel")).toBe("Update model");
  });
});
