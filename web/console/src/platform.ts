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
  /** Why the file was refused. */
  message: string | null;
  filename: string | null;
  description: string | null;
  comment: string;
  tags: { name: string }[];
  visibility: Visibility;
  use_global_accessdomains: boolean;
  prev_id: string | null;
  deleted_at: number | null;
  /** What stands in the link by which the model is shared; told to those who manage it. */
  link_sharing_slug?: string | null;
  permissions: string[];
  previous_model?: Version | null;
  successor_models?: Version[];
}

/** Whether the account manages a model, or may only look at it: the server then leaves out what is the managers' business. */
export const manages = ({ permissions }: Pick<Model, "permissions">): boolean => permissions.includes("update_owner");

/** Another version of a model, as far as it is told beside one. */
export type Version = Pick<Model, "id" | "slug" | "title" | "created_at">;

export type Visibility = "private" | "organization" | "public";

/** What may be said of a new model, and changed later. */
export interface ModelChange {
  title?: string;
  description?: string;
  comment?: string;
  tags?: string[];
  visibility?: Visibility;
  accessdomains?: string[];
  use_global_accessdomains?: boolean;
  backendaccess?: boolean;
  require_token?: boolean;
  allow_direct_embedding?: boolean;
  link_sharing?: boolean;
}

export interface NewModel extends ModelChange {
  title: string;
  filename: string;
  prev_id?: string;
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
  organization_id: string | null;
  organization_role: Role | null;
  global_accessdomains: { name: string }[];
  force_require_token: boolean;
  /** `admin` for those who operate this server. */
  roles: string[];
  features: Features;
}

export interface Features {
  plan: string;
  feature: Record<string, boolean>;
  limit: Record<string, number>;
}

export interface UserChange {
  username?: string;
  global_accessdomains?: string[];
  force_require_token?: boolean;
  old_password?: string;
  new_password?: string;
  new_password_confirmation?: string;
}

export type Role = "suspended" | "consumer" | "user" | "manager" | "admin" | "owner";

export interface Organization {
  id: string;
  name: string;
  accessdomains: { name: string }[];
  force_require_token: boolean;
  features: Features;
  created_at: number;
}

export interface Member {
  id: string;
  first_name: string | null;
  email: string | null;
  organization_role: Role;
}

export interface AccessKey {
  key_id: string;
  description: string;
  scope: string[];
  active: boolean;
  valid_until: number | null;
  created_at: number;
  used_at: number | null;
  ends_with: string;
}

export interface KeyChange {
  active?: boolean;
  valid_until?: number | null;
}

/** Credits of a kind of use. Where the contract counts only, there are none. */
interface Spent {
  credits?: number;
}

type SpentByKind = Record<"exports" | "outputs" | "combined" | "sessions" | "computations", Spent>;

/** What was spent in one hour, day or month (UTC). */
export interface Metric {
  timestamp_date: number;
  timestamp: string;
  data: { default: SpentByKind; limited: SpentByKind; loading: Spent };
}

export type Period = "day" | "month";

export interface MetricsAsked {
  period: Period;
  /** Seconds since 1970. */
  from: number;
  model?: string;
  organization?: string;
}

/** How much may be spent, and how much was. */
export interface Cap {
  scope: string;
  per: "hour" | "day" | "month";
  /** Whoever runs the server, or those who look after the account or model. */
  set_by: "operator" | "owner";
  credits: number;
  used: number;
  resets_at: number;
}

/** For what a cap is set: a model, an organization, or without either the account. */
export interface CapFor {
  model_id?: string;
  organization_id?: string;
}

/** Something that happened and is told to the account. */
export interface Told {
  id: string;
  description: string;
  level: "info" | "warning" | "error";
  model_id: string | null;
  read: boolean;
  created_at: number;
}

export interface ModelsAsked {
  deleted: boolean;
  /** A part of the title. */
  title: string;
}

const MODELS = "/api/v1/models";
const PAGE_ROWS = 24;
/** Of caps, the newest are told beside them. */
const NOTICES_MAX = 8;

/** One model's operations; `key` is its id or slug. */
const at = (key: string, rest = ""): string => `${MODELS}/${encodeURIComponent(key)}${rest}`;

export const platform = {
  user: (): Promise<User> => account.call("GET", `/api/v1/users/${account.user ?? ""}`),
  changeUser: (change: UserChange): Promise<User> => account.call("PATCH", `/api/v1/users/${account.user ?? ""}`, change),
  organization: (id: string): Promise<Organization> => account.call("GET", `/api/v1/organizations/${id}`),
  createOrganization: (name: string): Promise<Organization> => account.call("POST", "/api/v1/organizations", { name }),
  changeOrganization: (id: string, change: { accessdomains?: string[]; force_require_token?: boolean }): Promise<Organization> =>
    account.call("PATCH", `/api/v1/organizations/${id}`, change),
  members: (id: string): Promise<Page<Member>> => account.call("POST", `/api/v1/organizations/${id}/user/query`, {}),
  changeMember: (id: string, member: string, organization_role: Role): Promise<unknown> =>
    account.call("PATCH", `/api/v1/organizations/${id}/user/${member}`, { organization_role }),
  keys: async (): Promise<AccessKey[]> => (await account.call<{ result: AccessKey[] }>("POST", "/api/v1/apitokens/query", {})).result,
  createKey: (wanted: { description: string; scope: string[]; valid_until?: number }): Promise<AccessKey & { key_secret: string }> =>
    account.call("POST", "/api/v1/apitokens", wanted),
  changeKey: (id: string, change: KeyChange): Promise<AccessKey> => account.call("PATCH", `/api/v1/apitokens/${id}`, change),
  revokeKey: (id: string): Promise<unknown> => account.call("DELETE", `/api/v1/apitokens/${id}`),
  /** Stretches of time in which something was charged, oldest first. */
  metrics: async ({ period, from, model, organization }: MetricsAsked): Promise<Metric[]> => {
    const filters: Record<string, unknown> = { "timestamp_type[=]": period, "timestamp_date[>=]": from };
    if (model !== undefined) filters["model_id[=]"] = model;
    if (organization !== undefined) filters["organization_id[=]"] = organization;
    const place = organization === undefined ? "user" : "organization";
    const asked = { filters, sorters: { timestamp_date: "asc" }, limit: 100 };
    return (await account.call<{ result: Metric[] }>("POST", `/api/v1/${place}_credit_metrics/query`, asked)).result;
  },
  caps: async (model?: string): Promise<Cap[]> => {
    const filters = model === undefined ? {} : { "model_id[=]": model };
    return (await account.call<{ result: Cap[] }>("POST", "/api/v1/credit_caps/query", { filters })).result;
  },
  /** Sets the cap by the month that stands beside those of the operator; null removes it. */
  setCap: (whose: CapFor, credits: number | null): Promise<unknown> =>
    account.call("POST", "/api/v1/credit_caps", { ...whose, per: "month", credits }),
  /** What was told of caps, newest first. */
  capNotices: async (model?: string): Promise<Told[]> => {
    const filters = { "type[%]": "credit-limit", ...(model === undefined ? {} : { "model_id[=]": model }) };
    const asked = { filters, sorters: { created_at: "desc" }, limit: NOTICES_MAX };
    return (await account.call<{ result: Told[] }>("POST", "/api/v1/notifications/query", asked)).result;
  },
  readNotice: (id: string): Promise<unknown> => account.call("PATCH", `/api/v1/notifications/${id}`, { read: true }),
  signIns: (): Promise<SignIn[]> => account.call("GET", `/api/v1/users/users/${account.user ?? ""}/apiclients`),
  endSignIn: (id: string): Promise<unknown> => account.call("DELETE", `/api/v1/users/users/${account.user ?? ""}/apiclients/${id}`),
  models: (asked: ModelsAsked, offset: string | null): Promise<Page<Model>> => {
    const filters: Record<string, unknown> = asked.deleted ? { "deleted_at[!?]": null } : {};
    if (asked.title) filters["title[%]"] = asked.title;
    const sorters = asked.deleted ? { updated_at: "desc" } : { created_at: "desc" };
    return account.call("POST", `${MODELS}/query`, { filters, sorters, embed: ["accessdomains"], limit: PAGE_ROWS, offset });
  },
  model: (key: string): Promise<Model> => account.call("GET", at(key, "?embed=accessdomains,tags")),
  versions: (key: string): Promise<Model> => account.call("GET", at(key, "?embed=previous_model,successor_models")),
  createModel: (wanted: NewModel): Promise<Model> => account.call("POST", MODELS, wanted),
  /** Shows a model to those who may see it, once its file has been checked. */
  publish: (key: string): Promise<Model> => account.call("PATCH", at(key), { status: "done" }),
  deleteModel: (key: string): Promise<unknown> => account.call("DELETE", at(key)),
  restoreModel: (key: string): Promise<Model> => account.call("PATCH", at(key), { deleted_at: null }),
  rename: (key: string, slug: string): Promise<Model> => account.call("PATCH", at(key), { slug }),
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
