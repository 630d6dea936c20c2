/** Calls of the platform API: who is signed in, the envelope, errors as `ApiError`. */

/** The name under which the platform knows its own console. */
const CLIENT_ID = "vitrine-console";
/** A token is renewed when less than this is left of it. */
const RENEW_BEFORE_MS = 60_000;
/** Says that there is a cookie to sign in with again. The cookie itself is out of reach of scripts, and nothing secret is stored. */
const STORED = "vitrine-signed-in";

interface TokenAnswer {
  access_token: string;
  expires_in: number;
}

interface SignedIn {
  access: string;
  endsAt: number;
  user: string;
}

/** A refusal or failure in words that a person can use. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    message: string,
    readonly status: number,
    /** Stable name of the cause; `/docs/errors#code` explains it. */
    readonly code: string = "",
    readonly requestId: string = "",
  ) {
    super(message);
  }
}

/** Reads an error body of any of the server's protocols. */
export async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const nested = typeof body["error"] === "object" && body["error"] !== null ? (body["error"] as Record<string, unknown>) : {};
  const text = (...values: unknown[]): string => values.find((value): value is string => typeof value === "string" && value !== "") ?? "";
  const message = text(nested["description"], nested["message"], body["error_description"], body["message"]);
  return new ApiError(
    message || `The server answered with status ${response.status}.`,
    response.status,
    text(nested["code"], body["code"]),
    text(nested["requestId"], body["requestId"]),
  );
}

/** Whether the server itself said no. Whoever cannot reach it, or finds it in trouble, is not signed out for that. */
const isDecided = (error: unknown): boolean => error instanceof ApiError && error.status >= 400 && error.status < 500;

/** The user's id, which stands in the token. */
export function subjectOf(token: string): string {
  const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const claims = JSON.parse(atob(payload)) as { sub?: string };
  return claims.sub ?? "";
}

/**
 * Who is signed in, and requests on their behalf. The access token stays in memory; the token that renews it is a cookie, which the
 * browser sends by itself: several windows so share the newest one, and an old one, whose use would look like theft, is never sent.
 */
export class Account {
  #signedIn: SignedIn | undefined;
  #renewing: Promise<void> | undefined;
  readonly #listeners = new Set<() => void>();
  /** Why the last sign-in ended, when it was not the person's wish. */
  endedBecause = "";

  constructor(
    private readonly storage: Storage = localStorage,
    private readonly send: (input: string, init?: RequestInit) => Promise<Response> = (input, init) => fetch(input, init),
  ) {}

  get user(): string | undefined {
    return this.#signedIn?.user;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `otp`: the code of an authenticator program, for accounts that ask for one. */
  async signIn(username: string, password: string, otp = ""): Promise<void> {
    await this.#ask({ grant_type: "password", username, password, ...(otp === "" ? {} : { otp }) });
    this.endedBecause = "";
    this.#tell();
  }

  /** Signs in by a passkey that the person chooses in a dialog of their browser. */
  async signInByPasskey(sign: (challenge: string, rpId: string) => Promise<Record<string, string>>): Promise<void> {
    const { challenge, rp_id } = await this.open<{ challenge: string; rp_id: string }>("/oauth/passkey", {});
    await this.#ask({ grant_type: "urn:vitrine:passkey", passkey: await sign(challenge, rp_id) });
    this.endedBecause = "";
    this.#tell();
  }

  /** Begins a sign-in at a provider; gives the address of its page. */
  async beginAt(provider: string): Promise<string> {
    return (await this.open<{ location: string }>(`/oauth/providers/${encodeURIComponent(provider)}`, {})).location;
  }

  /** Comes in by what a provider has said to this browser, which its cookie knows. */
  async comeBack(otp = ""): Promise<void> {
    await this.#ask({ grant_type: "urn:vitrine:provider", ...(otp === "" ? {} : { otp }) });
    this.endedBecause = "";
    this.#tell();
  }

  /** Takes up the sign-in of before a reload. */
  async restore(): Promise<void> {
    if (this.storage.getItem(STORED) === null) return;
    try {
      await this.#ask({ grant_type: "refresh_token" });
    } catch (error) {
      if (isDecided(error)) this.#forget("Your sign-in has ended. Sign in again.");
      else throw error;
    }
    this.#tell();
  }

  async signOut(): Promise<void> {
    const access = this.#signedIn?.access;
    this.#forget("");
    this.#tell();
    if (access === undefined) return;
    await this.send("/oauth/logout", {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${access}` },
      body: "{}",
    }).catch(() => undefined);
  }

  /** Calls an operation and gives `data` of its answer. */
  async call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const answer = await this.#authorized(method, path, body, signal);
    return ((await answer.json()) as { data: T }).data;
  }

  /** Calls an operation that answers without the envelope. */
  async ask<T>(method: string, path: string, body: unknown): Promise<T> {
    const answer = await this.#authorized(method, path, body);
    return (await answer.json()) as T;
  }

  /** Calls an operation that takes no sign-in: the secret of a link stands in the body. */
  async open<T>(path: string, body: unknown): Promise<T> {
    const response = await this.#reach(path, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw await errorOf(response);
    return ((await response.json()) as { data: T }).data;
  }

  async #authorized(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    for (let round = 0; ; round += 1) {
      await this.#renewIfDue();
      const headers: Record<string, string> = { Accept: "application/json", Authorization: `Bearer ${this.#signedIn?.access ?? ""}` };
      const init: RequestInit = { method, headers, credentials: "same-origin" };
      if (body !== undefined) {
        headers["Content-Type"] = "application/json";
        init.body = JSON.stringify(body);
      }
      if (signal) init.signal = signal;
      const response = await this.#reach(path, init);
      if (response.ok) return response;
      const error = await errorOf(response);
      // A wrong present password is 401 too, and ends nothing.
      if (error.status !== 401 || !(error.code === "" || error.code.startsWith("token-"))) throw error;
      if (error.code !== "token-expired" || round > 0 || this.#signedIn === undefined) {
        this.#forget("Your sign-in has ended. Sign in again.");
        this.#tell();
        throw error;
      }
      this.#signedIn.endsAt = 0;
    }
  }

  async #renewIfDue(): Promise<void> {
    const current = this.#signedIn;
    if (!current || current.endsAt - Date.now() > RENEW_BEFORE_MS) return;
    this.#renewing ??= this.#ask({ grant_type: "refresh_token" }).finally(() => (this.#renewing = undefined));
    try {
      await this.#renewing;
    } catch (error) {
      if (isDecided(error)) {
        this.#forget("Your sign-in has ended. Sign in again.");
        this.#tell();
      }
      throw error;
    }
  }

  async #ask(body: Record<string, unknown>): Promise<void> {
    const response = await this.#reach("/oauth/token", {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ ...body, client_id: CLIENT_ID }),
    });
    if (!response.ok) throw await errorOf(response);
    const answer = (await response.json()) as TokenAnswer;
    this.#signedIn = {
      access: answer.access_token,
      endsAt: Date.now() + answer.expires_in * 1000,
      user: subjectOf(answer.access_token),
    };
    this.storage.setItem(STORED, "1");
  }

  async #reach(path: string, init: RequestInit): Promise<Response> {
    try {
      return await this.send(path, init);
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
      throw new ApiError("The server cannot be reached. Check the connection, then try again.", 0);
    }
  }

  #forget(because: string): void {
    this.#signedIn = undefined;
    this.endedBecause = because;
    this.storage.removeItem(STORED);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

export const account = new Account();
