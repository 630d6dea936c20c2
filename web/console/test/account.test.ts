import { beforeEach, describe, expect, test } from "vitest";
import { Account, ApiError, errorOf, subjectOf } from "../src/api.js";

const token = (sub: string, mark = ""): string => `e30.${btoa(JSON.stringify({ sub, mark }))}.c2ln`;
const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });

interface Sent {
  path: string;
  authorization: string;
  body: Record<string, unknown>;
}

/** A server whose answers are said one by one. */
class Server {
  readonly sent: Sent[] = [];
  readonly answers: ((sent: Sent) => Response | Promise<Response>)[] = [];
  readonly send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : {};
    const sent = { path, authorization: headers.get("Authorization") ?? "", body };
    this.sent.push(sent);
    const next = this.answers.shift();
    if (!next) throw new TypeError("Failed to fetch");
    return next(sent);
  };
}

const signedIn = (mark: string, expires_in = 3600): Response => json(200, { access_token: token("ann", mark), refresh_token: `r-${mark}`, expires_in });

describe("who is signed in", () => {
  let server: Server;
  let account: Account;
  beforeEach(() => {
    localStorage.clear();
    server = new Server();
    account = new Account(localStorage, server.send);
  });

  test("a sign-in names its user and outlives a reload", async () => {
    server.answers.push(() => signedIn("1"));
    await account.signIn("key", "secret");
    expect(account.user).toBe("ann");
    const reloaded = new Account(localStorage, server.send);
    server.answers.push(() => signedIn("2"));
    await reloaded.restore();
    expect(server.sent[1]?.body["grant_type"]).toBe("refresh_token");
    expect(JSON.stringify(server.sent)).not.toContain("r-1");
    expect(JSON.stringify({ ...localStorage })).not.toContain("r-");
    expect(reloaded.user).toBe("ann");
  });

  test("a refused sign-in tells why and signs nobody in", async () => {
    server.answers.push(() => json(400, { error: "invalid_grant", error_description: "No such pair.", code: "access-key-invalid" }));
    await expect(account.signIn("key", "x")).rejects.toMatchObject({ message: "No such pair.", code: "access-key-invalid", status: 400 });
    expect(account.user).toBeUndefined();
  });

  test("a token that is about to end is renewed once for calls at the same moment", async () => {
    server.answers.push(
      () => signedIn("1", 1),
      () => signedIn("2"),
      () => json(200, { data: "a" }),
      () => json(200, { data: "b" }),
    );
    await account.signIn("key", "secret");
    const both = await Promise.all([account.call("GET", "/a"), account.call("GET", "/b")]);
    expect(both).toEqual(["a", "b"]);
    expect(server.sent.filter(({ path }) => path === "/oauth/token")).toHaveLength(2);
    expect(server.sent.at(-1)?.authorization).toBe(`Bearer ${token("ann", "2")}`);
  });

  test("a sign-in that was revoked ends, and nothing of it stays in the storage", async () => {
    server.answers.push(
      () => signedIn("1"),
      () => json(401, { error: { message: "x", description: "Ended.", code: "token-revoked" } }),
    );
    await account.signIn("key", "secret");
    let told = 0;
    account.onChange(() => (told += 1));
    await expect(account.call("GET", "/a")).rejects.toBeInstanceOf(ApiError);
    expect([account.user, told, localStorage.length]).toEqual([undefined, 1, 0]);
    expect(account.endedBecause).not.toBe("");
  });

  test("a wrong present password ends no sign-in", async () => {
    server.answers.push(
      () => signedIn("1"),
      () => json(401, { error: { message: "x", description: "Wrong.", code: "password-invalid" } }),
    );
    await account.signIn("key", "secret");
    await expect(account.call("PATCH", "/a", {})).rejects.toMatchObject({ message: "Wrong.", status: 401 });
    expect(account.user).toBe("ann");
  });

  test("a server that is away ends no sign-in", async () => {
    server.answers.push(() => signedIn("1"));
    await account.signIn("key", "secret");
    await expect(account.call("GET", "/a")).rejects.toMatchObject({ status: 0 });
    expect(account.user).toBe("ann");
    const reloaded = new Account(localStorage, server.send);
    await expect(reloaded.restore()).rejects.toMatchObject({ status: 0 });
    expect(localStorage.length).toBe(1);
  });

  test("signing out forgets first and tells the server", async () => {
    server.answers.push(() => signedIn("1"), () => json(200, { success: true }));
    await account.signIn("key", "secret");
    await account.signOut();
    expect(localStorage.length).toBe(0);
    expect(server.sent[1]).toMatchObject({ path: "/oauth/logout", authorization: `Bearer ${token("ann", "1")}` });
  });
});

test("errors of all protocols are read", async () => {
  const geometry = await errorOf(json(403, { error: "SdErrorForbidden", desc: "d", message: "Not you.", code: "wrong-model", requestId: "r" }));
  expect([geometry.message, geometry.code, geometry.requestId]).toEqual(["Not you.", "wrong-model", "r"]);
  const other = await errorOf(new Response("<h1>Bad gateway</h1>", { status: 502 }));
  expect(other.message).toContain("502");
});

test("the user stands in the token, whatever characters its encoding has", () => {
  expect(subjectOf(`e30.${btoa(JSON.stringify({ sub: "ann", x: "???>>>" })).replaceAll("+", "-").replaceAll("/", "_")}.x`)).toBe("ann");
});
