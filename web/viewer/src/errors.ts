import type { WireError } from "./wire.js";

/** What a failed call tells: the API's type and texts, or an empty type when no server answered. */
export interface ErrorFacts {
  /** Type of the Geometry API, such as `SdSessionGoneError`; empty when the answer was not one of its errors. */
  type: string;
  /** General text of the type. */
  desc: string;
  /** What was wrong and what to do about it. */
  message: string;
  /** HTTP status; 0 when there was no answer. */
  status: number;
  /** Stable name of the exact cause, as `docs/errors.md` lists them; empty when the server sent none. */
  code?: string;
  /** Seconds after which a repeat makes sense, if the server said so. */
  retryAfterS?: number;
}

export class VitrineError extends Error implements ErrorFacts {
  override readonly name = "VitrineError";
  readonly type: string;
  readonly desc: string;
  readonly status: number;
  readonly code: string;
  readonly retryAfterS?: number;

  constructor(facts: ErrorFacts, options?: ErrorOptions) {
    super(facts.message, options);
    this.type = facts.type;
    this.desc = facts.desc;
    this.status = facts.status;
    this.code = facts.code ?? "";
    if (facts.retryAfterS !== undefined) this.retryAfterS = facts.retryAfterS;
  }

  /** The server decided against this page, as opposed to being out of reach, busy or broken. */
  get isRefusal(): boolean {
    return [401, 403, 404, 410].includes(this.status) || this.type === "SdSessionValidationError";
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Integer seconds of a `Retry-After` header; HTTP dates are not used by the API. */
export function retryAfterSeconds(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header.trim()) ? Number(header) : undefined;
}

/** Reads an error answer. Bodies that are not the API's JSON (a proxy's page, say) still give a sentence. */
export async function errorFromResponse(response: Response): Promise<VitrineError> {
  let body: WireError = {};
  try {
    const parsed: unknown = await response.json();
    if (typeof parsed === "object" && parsed !== null) body = parsed;
  } catch {
    // Not JSON: the status is all there is.
  }
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const desc = text(body.desc);
  const retryAfterS = retryAfterSeconds(response.headers.get("Retry-After"));
  return new VitrineError({
    type: text(body.error),
    desc,
    message: text(body.message) || desc || `The model server answered with status ${response.status}.`,
    status: response.status,
    code: text(body.code),
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });
}

/** No answer at all: no network, a wrong address, or a browser rule in between. */
export function unreachable(origin: string, cause: unknown): VitrineError {
  return new VitrineError(
    {
      type: "",
      desc: "The request got no answer",
      message: `The model server at ${origin} did not answer. Check the connection and try again.`,
      status: 0,
    },
    { cause },
  );
}
