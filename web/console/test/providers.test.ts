import { beforeEach, describe, expect, test } from "vitest";
import { Account } from "../src/api.js";
import { bytesOf, textOf } from "../src/passkey.js";
import { sentenceFor, takePlace } from "../src/providers.js";

const token = `e30.${btoa(JSON.stringify({ sub: "ann" }))}.c2ln`;
const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });

describe("coming back from a provider", () => {
  beforeEach(() => sessionStorage.clear());

  test("the place of before is taken once, and is always a part of this page", () => {
    for (const [kept, place] of [
      ["?client_id=shop#/authorize", "?client_id=shop#/authorize"],
      ["#/account", "#/account"],
      ["", "#/"],
      ["https://evil.example/", "#/"],
      ["//evil.example", "#/"],
      ["javascript:alert(1)", "#/"],
      ["#/signed-in", "#/"],
      ["#/not-signed-in/provider-denied", "#/"],
    ] as const) {
      sessionStorage.setItem("vitrine-before-provider", kept);
      expect(takePlace()).toBe(place);
      expect(takePlace()).toBe("#/");
    }
  });

  test("what went wrong is told in our own words, whatever the address says", () => {
    expect(sentenceFor("provider-denied")).toContain("did not sign you in");
    expect(sentenceFor("Call this number")).toBe("This did not work. Try again.");
    expect(sentenceFor("constructor")).toBe("This did not work. Try again.");
  });
});

describe("signing in without a password", () => {
  const sent: { path: string; body: Record<string, unknown> }[] = [];
  const answers: Response[] = [];
  const send = (path: string, init: RequestInit = {}): Promise<Response> => {
    sent.push({ path, body: JSON.parse(String(init.body)) as Record<string, unknown> });
    return Promise.resolve(answers.shift() ?? json(500, {}));
  };
  beforeEach(() => {
    sent.length = 0;
    answers.length = 0;
    localStorage.clear();
  });

  test("a passkey signs the server's challenge, and what it signed asks for the tokens", async () => {
    const account = new Account(localStorage, send);
    answers.push(json(200, { data: { challenge: "abc", rp_id: "vitrine.example" } }), json(200, { access_token: token, expires_in: 60 }));
    await account.signInByPasskey((challenge, rp) => Promise.resolve({ signature: `${challenge} ${rp}` }));
    expect(sent.map(({ path }) => path)).toEqual(["/oauth/passkey", "/oauth/token"]);
    expect(sent[1]?.body).toMatchObject({ grant_type: "urn:vitrine:passkey", passkey: { signature: "abc vitrine.example" } });
    expect(account.user).toBe("ann");
  });

  test("who comes back from a provider is asked for a code only where the server asks", async () => {
    const account = new Account(localStorage, send);
    answers.push(json(400, { error: "invalid_grant", code: "second-factor-missing" }), json(200, { access_token: token, expires_in: 60 }));
    await expect(account.comeBack()).rejects.toMatchObject({ code: "second-factor-missing" });
    expect(sent[0]?.body).not.toHaveProperty("otp");
    await account.comeBack("123456");
    expect(sent[1]?.body).toMatchObject({ grant_type: "urn:vitrine:provider", otp: "123456" });
    expect(account.user).toBe("ann");
  });

  test("bytes survive base64url", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    expect(bytesOf(textOf(bytes.buffer))).toEqual(bytes);
    expect(textOf(Uint8Array.from([251, 255]).buffer)).toBe("-_8");
  });
});
