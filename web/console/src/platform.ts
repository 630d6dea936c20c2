/** The platform's operations that the console uses, with what they answer. */
import { account } from "./api.js";

export interface Model {
  id: string;
  slug: string;
  title: string;
  status: string;
  thumbnail_url: string | null;
  accessdomains: { name: string }[];
  backend_access: boolean;
  require_token: boolean;
  allow_direct_embedding: boolean;
  created_at: number;
  updated_at: number;
  ticket: { ticket: string } | null;
}

export interface ModelChange {
  title?: string;
  accessdomains?: string[];
  backendaccess?: boolean;
  require_token?: boolean;
  allow_direct_embedding?: boolean;
}

export interface Page<T> {
  result: T[];
  pagination: { next_offset: string | null };
}

export interface Ticket {
  id: string;
  type: "embedding" | "backend" | "author";
  state: "live" | "expired" | "revoked";
  ticket: string | null;
  accessdomains: string[];
  until: number | null;
  created_at: number;
}

export interface LiveSession {
  alias: string;
  origin: string | null;
  ticket_id: string | null;
  subject: string | null;
  kind: "page" | "back_end";
  author: boolean;
  opened_at: number;
  last_seen_at: number;
  ends_at: number;
}

export interface Decision {
  id: string;
  at: string;
  request_id: string;
  operation: string;
  actor: string;
  credential: string;
  origin: string | null;
  decision: "allowed" | "refused";
  reason: string;
  message: string;
  remedy: string | null;
  documentation: string | null;
  count: number;
}

export interface Tried {
  origin: string;
  suggested_entry: string;
  allowed: boolean;
  needs_token: boolean;
  refusal: { code: string; message: string; remedy: string | null; documentation: string | null } | null;
}

export interface CheckedDomain {
  entry: string;
  normalised: string | null;
  error: string | null;
}

/** Where the account is signed in. */
export interface SignIn {
  id: string;
  client_name: string;
  created_at: number;
  updated_at: number;
  expire_at: number;
}

export interface User {
  id: string;
  first_name: string | null;
  email: string | null;
}

const MODELS = "/api/v1/models";
const PAGE_ROWS = 24;

/** One model's operations; `key` is its id or slug. */
const at = (key: string, rest = ""): string => `${MODELS}/${encodeURIComponent(key)}${rest}`;

export const platform = {
  user: (): Promise<User> => account.call("GET", `/api/v1/users/${account.user ?? ""}`),
  signIns: (): Promise<SignIn[]> => account.call("GET", `/api/v1/users/users/${account.user ?? ""}/apiclients`),
  endSignIn: (id: string): Promise<unknown> => account.call("DELETE", `/api/v1/users/users/${account.user ?? ""}/apiclients/${id}`),
  models: (offset: string | null, signal?: AbortSignal): Promise<Page<Model>> =>
    account.call("POST", `${MODELS}/query`, { sorters: { created_at: "desc" }, embed: ["accessdomains"], limit: PAGE_ROWS, offset }, signal),
  model: (key: string): Promise<Model> => account.call("GET", at(key, "?embed=accessdomains")),
  modelWithTicket: (key: string): Promise<Model> => account.call("GET", at(key, "?embed=accessdomains,ticket")),
  change: (key: string, change: ModelChange): Promise<Model> => account.call("PATCH", at(key), change),
  token: async (id: string, scope: string[]): Promise<string> =>
    (await account.call<{ access_token: string }>("POST", "/api/v1/tokens", { id, scope })).access_token,
  tickets: async (key: string): Promise<Ticket[]> => (await account.call<{ result: Ticket[] }>("POST", at(key, "/tickets/query"), {})).result,
  createTicket: (key: string, wanted: { type: string; until?: number; accessdomains?: string[] }): Promise<Ticket> =>
    account.call("POST", at(key, "/tickets"), wanted),
  revokeTicket: (key: string, id: string): Promise<null> => account.call("DELETE", at(key, `/tickets/${id}`)),
  sessions: async (key: string): Promise<LiveSession[]> =>
    (await account.call<{ result: LiveSession[] }>("POST", at(key, "/sessions/query"), {})).result,
  endSession: (key: string, alias: string): Promise<null> => account.call("DELETE", at(key, `/sessions/${alias}`)),
  trail: (key: string, asked: { request_id?: string; offset?: string }): Promise<Page<Decision>> =>
    account.call("POST", at(key, "/audit/query"), asked),
  tryOrigin: (key: string, asked: { origin: string; accessdomains?: string[] }): Promise<Tried> =>
    account.call("POST", at(key, "/try_origin"), asked),
  checkDomains: async (accessdomains: string[], signal?: AbortSignal): Promise<CheckedDomain[]> =>
    (await account.call<{ result: CheckedDomain[] }>("POST", "/api/v1/accessdomains/check", { accessdomains }, signal)).result,
};
