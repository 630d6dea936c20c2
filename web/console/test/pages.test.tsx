import { describe, expect, test } from "vitest";
import { elementHtml, iframeHtml } from "../src/pages/model-embed.js";
import { faultOfCap, noticeWords } from "../src/pages/caps.js";
import { planWords } from "../src/pages/organization.js";
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

describe("plans and caps", () => {
  const generous = { max_accessdomains: 1, max_users: 2, max_credits_per_month: 1000 };

  test("a plan is told by what it bounds and leaves out here", () => {
    const features = { plan: "free", feature: { backend_api: false, platform_api: false, gemstone: false }, limit: generous };
    expect(planWords(features)).toBe(
      "At most 1 domain in each list, 1,000 credits a month and 2 seats in an organization, without sessions of back ends and access keys.",
    );
    expect(planWords({ plan: "unlimited", feature: {}, limit: { max_credits_per_month: 1_000_000_000 } })).toBe("No bounds.");
  });

  test("a notice names what the reader knows, and no id", () => {
    const said = "51 of 100 credits per month are used on model:44444444-4444-4444-8444-444444444444; the total begins anew at 2026-12-01T00:00:00.000Z.";
    const words = noticeWords(said);
    expect(words.startsWith("51 of 100 credits per month are used on this model; the total begins anew at ")).toBe(true);
    expect(words).not.toContain("T00:00");
    expect(noticeWords("of subject:backend")).toBe("of subject:backend");
  });

  test("a cap is a whole number of credits", () => {
    expect(["", "1", "1000000000"].map(faultOfCap)).toEqual([undefined, undefined, undefined]);
    for (const text of ["0", "-1", "1.5", "x", "1000000001"]) expect(faultOfCap(text)).toBeDefined();
  });
});
