/** Operations of those who run the server. The server refuses them to everybody else. */
import { account } from "./api.js";
import type { Page } from "./platform.js";

export interface Health {
  ready: boolean;
  checks: { name: string; problem?: string; note?: string; details?: string[] }[];
  workers: { at_most: number; idle: number; busy: number; queued: number; restarts: number };
  now: number;
}

export interface SigningKey {
  kid: string;
  alg: string;
  state: "published" | "signs" | "verifies" | "ended" | "retired";
  created_at: number;
  signs_from: number;
  verifies_until: number | null;
}

export interface SealingKey {
  fingerprint: string;
  seals: boolean;
  known: boolean;
  live_tickets: number;
}

export interface Plan {
  name: string;
  /** Features that it has not. */
  lacks: string[];
  /** Those of its own; all else is as generous as the server is. */
  limits: Record<string, number>;
}

export interface AnAccount {
  kind: "user" | "organization";
  id: string;
  name: string;
  email?: string | null;
  plan: string;
  organization_id?: string | null;
  administrator?: boolean;
  blocked_at?: number | null;
}

export interface PartnerKey {
  id: string;
  ends_with: string;
  created_at: number;
  valid_until: number | null;
  revoked_at: number | null;
}

export interface Partner {
  id: string;
  app_id: string;
  name: string;
  blocked: boolean;
  origins: string[];
  content: string | null;
  created_at: number;
  keys: PartnerKey[];
}

interface Secret {
  secret: string;
}

const OPERATOR = "/api/v1/operator";
const PARTNERS = "/api/v1/partners";
const PAGE_ROWS = 20;

export const operator = {
  health: (): Promise<Health> => account.call("GET", `${OPERATOR}/health`),
  keys: (): Promise<{ signing: SigningKey[]; sealing: SealingKey[] }> => account.call("GET", `${OPERATOR}/keys`),
  rotateKeys: (): Promise<SigningKey> => account.call("POST", `${OPERATOR}/keys`, {}),
  retireKey: (kid: string): Promise<unknown> => account.call("DELETE", `${OPERATOR}/keys/${encodeURIComponent(kid)}`),
  plans: (): Promise<Plan[]> => account.call("GET", `${OPERATOR}/plans`),
  account: (name: string): Promise<AnAccount> => account.call("GET", `${OPERATOR}/accounts/${encodeURIComponent(name)}`),
  setPlan: (name: string, plan: string): Promise<AnAccount> => account.call("PATCH", `${OPERATOR}/accounts/${encodeURIComponent(name)}`, { plan }),
  partners: (offset: string | null): Promise<Page<Partner>> => account.call("POST", `${PARTNERS}/query`, { limit: PAGE_ROWS, offset }),
  createPartner: (wanted: { name: string; origins: string[] }): Promise<Partner & { key: Secret }> => account.call("POST", PARTNERS, wanted),
  changePartner: (id: string, change: { blocked: boolean }): Promise<Partner> => account.call("PATCH", `${PARTNERS}/${id}`, change),
  rotatePartnerKey: (id: string, overlap_s: number): Promise<PartnerKey & Secret> => account.call("POST", `${PARTNERS}/${id}/keys`, { overlap_s }),
  revokePartnerKey: (id: string, key: string): Promise<unknown> => account.call("DELETE", `${PARTNERS}/${id}/keys/${key}`),
  revokeEditorTokens: (id: string, user: string): Promise<{ revoked: number }> => account.call("POST", `${PARTNERS}/${id}/tokens/revoke`, { user }),
};
