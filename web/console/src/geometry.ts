/** Operations of the Geometry API that an owner's token permits: how a model is presented, and its file. */
import { ApiError, errorOf } from "./api.js";
import { platform } from "./platform.js";

/** What every control has: a parameter, an output or an export. The last members are those of parameters. */
export interface Definition {
  id: string;
  name: string;
  type?: string;
  displayname?: string;
  tooltip?: string;
  group?: { id: string; name: string };
  order?: number;
  hidden: boolean;
  defval?: string;
  min?: number;
  max?: number;
  decimalplaces?: number;
  choices?: string[];
  visualization?: string;
}

export interface DefinitionChange {
  displayname?: string;
  tooltip?: string;
  group?: { id: string; name: string } | null;
  order?: number;
  hidden?: boolean;
}

export type Kind = "parameter" | "output" | "export";

/** The viewer's settings: an object of the viewer's own form. */
export type ViewerConfig = Record<string, unknown>;

export interface GeometryModel {
  model: { stat: string; msg?: string };
  file?: { upload?: string };
  parameters?: Record<string, Definition>;
  outputs?: Record<string, Definition>;
  exports?: Record<string, Definition>;
}

/** What the owner of a model may ask for. */
const SCOPE = ["group.owner", "group.view"];

/** A token holds an hour; one that is younger than this is used again. */
const TOKEN_MS_MAX = 30 * 60_000;

const tokens = new Map<string, { text: Promise<string>; at: number }>();

async function token(model: string): Promise<string> {
  const known = tokens.get(model);
  if (known && Date.now() - known.at < TOKEN_MS_MAX) return known.text;
  const text = platform.token(model, SCOPE);
  tokens.set(model, { text, at: Date.now() });
  text.catch(() => tokens.delete(model));
  return text;
}

async function call<T>(method: string, model: string, rest: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", Authorization: `Bearer ${await token(model)}` };
  const init: RequestInit = { method, headers };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const response = await fetch(`/api/v2/model/${encodeURIComponent(model)}${rest}`, init).catch(() => {
    throw new ApiError("The server cannot be reached. Check the connection, then try again.", 0);
  });
  if (response.ok) return (await response.json()) as T;
  // A token that was revoked meanwhile shall not be tried for half an hour.
  if (response.status === 401) tokens.delete(model);
  throw await errorOf(response);
}

export const geometry = {
  model: (id: string): Promise<GeometryModel> => call("GET", id, ""),
  present: (id: string, kind: Kind, changes: Record<string, DefinitionChange>): Promise<unknown> => call("PATCH", id, `/${kind}`, changes),
  setDefaults: (id: string, values: Record<string, string>): Promise<unknown> => call("PATCH", id, "/parameter/defval", values),
  viewer: async (id: string): Promise<ViewerConfig> => (await call<{ viewer: { config: ViewerConfig } }>("GET", id, "/config")).viewer.config,
  setViewer: (id: string, config: ViewerConfig): Promise<unknown> => call("POST", id, "/config", config),
  /** Sends a file to a sealed link; `progress` hears the share that has been sent. */
  upload: (href: string, file: Blob, type: string, progress: (share: number) => void, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      // fetch does not tell how much of a body has gone.
      const request = new XMLHttpRequest();
      const unreachable = (): void => reject(new ApiError("The upload broke off. Check the connection, then try again.", 0));
      request.open("PUT", href);
      request.setRequestHeader("Content-Type", type);
      request.upload.addEventListener("progress", (event) => progress(event.lengthComputable ? event.loaded / event.total : 0));
      request.addEventListener("error", unreachable);
      request.addEventListener("abort", () => reject(signal.reason as Error));
      request.addEventListener("load", () => {
        if (request.status < 300) resolve();
        else void errorOf(new Response(request.responseText, { status: request.status })).then(reject, unreachable);
      });
      signal.addEventListener("abort", () => request.abort(), { once: true });
      request.send(file);
    }),
};
