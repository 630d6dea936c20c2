/** Operations about people: second factors, invitations, and rights of single users on a model. */
import { account } from "./api.js";
import type { Provider } from "./config.js";
import { makePasskey, type WantedPasskey } from "./passkey.js";
import type { Role } from "./platform.js";

/** Somebody who may join an organization, for a week. */
export interface Invitation {
  id: string;
  organization_id: string;
  /** Told to whoever is invited. */
  organization_name?: string;
  organization_role: Role;
  email: string | null;
  receiver_id: string | null;
  created_at: number;
  valid_until: number;
}

/** What the server tells this once: the link is a secret, which it keeps as a digest only. */
export type NewInvitation = Invitation & { link: string };

export interface SecondFactor {
  recovery_codes_left: number;
}

/** What an authenticator program needs: in base 32, and as the address that it reads from a picture. */
export interface SharedSecret {
  secret: string;
  url: string;
}

/** What somebody is at a provider, linked with their account. */
export interface Identity {
  id: string;
  /** None when nobody signs in there any more. */
  provider: string | null;
  issuer: string;
  email: string | null;
  created_at: number;
  used_at: number | null;
}

/** A key on a device of the account's owner. */
export interface Passkey {
  id: string;
  name: string;
  created_at: number;
  used_at: number | null;
}

/** How an account is signed in to, beside access keys. */
export interface WaysIn {
  identities: Identity[];
  providers: Provider[];
  has_password: boolean;
}

/** The account as far as it is about sign-ins and invitations. */
export interface Person {
  email: string | null;
  second_factor: SecondFactor | null;
  invitations: Invitation[];
}

export type Right = "SharedModelPolicyView" | "SharedModelPolicyExport" | "SharedModelPolicyBackendApi" | "SharedModelPolicyDownload";

/** A user with whom a model is shared, and what they may. */
export interface Shared {
  user_id: string;
  user: { first_name: string | null };
  policies: { id: string; policy_alias: Right }[];
}

const own = (rest = ""): string => `/api/v1/users/${account.user ?? ""}${rest}`;
const of = (organization: string, rest: string): string => `/api/v1/organizations/${encodeURIComponent(organization)}/${rest}`;
const SHARING = "/api/v1/model_sharing";

export const people = {
  self: (): Promise<Person> => account.call("GET", own()),
  beginSecondFactor: (password: string): Promise<SharedSecret> => account.call("POST", own("/second_factor"), { password: password || undefined }),
  confirmSecondFactor: async (otp: string): Promise<string[]> =>
    (await account.call<{ recovery_codes: string[] }>("POST", own("/second_factor/confirm"), { otp })).recovery_codes,
  removeSecondFactor: (password: string, otp: string): Promise<unknown> => account.call("POST", own("/second_factor/remove"), { password: password || undefined, otp }),
  passkeys: (): Promise<Passkey[]> => account.call("GET", own("/passkeys")),
  addPasskey: async (name: string, password: string | undefined): Promise<Passkey> => {
    const wanted = await account.call<WantedPasskey>("POST", own("/passkeys/begin"), { password });
    return account.call("POST", own("/passkeys"), { name, ...(await makePasskey(wanted)) });
  },
  removePasskey: (id: string, password: string | undefined): Promise<unknown> =>
    account.call("POST", own(`/passkeys/${encodeURIComponent(id)}/remove`), { password }),
  waysIn: (): Promise<WaysIn> => account.call("GET", own("/identities")),
  /** Gives the address of the provider's page. */
  link: async (provider: string, password: string | undefined): Promise<string> =>
    (await account.call<{ location: string }>("POST", own("/identities"), { provider, password })).location,
  unlink: (id: string, password: string | undefined): Promise<unknown> =>
    account.call("POST", own(`/identities/${encodeURIComponent(id)}/remove`), { password }),
  invitations: (organization: string): Promise<Invitation[]> => account.call("GET", of(organization, "invitation")),
  invite: (organization: string, email: string, organization_role: Role): Promise<NewInvitation> =>
    account.call("POST", of(organization, "invitation_by_email"), { email, organization_role }),
  withdraw: (organization: string, id: string): Promise<unknown> => account.call("DELETE", of(organization, `invitation/${encodeURIComponent(id)}`)),
  accept: (organization: string): Promise<unknown> => account.call("POST", of(organization, "invitation_accept"), {}),
  decline: (organization: string): Promise<unknown> => account.call("POST", of(organization, "invitation_deny"), {}),
  removeMember: (organization: string, user: string): Promise<unknown> => account.call("DELETE", of(organization, `user/${encodeURIComponent(user)}`)),
  shares: (model: string): Promise<Shared[]> => account.call("GET", `${SHARING}/model/${encodeURIComponent(model)}/grouped_by_user`),
  share: (model_id: string, user_id: string, policy_aliases: Right[]): Promise<unknown> =>
    account.call("POST", `${SHARING}/model_sharing_multiple`, { model_id, user_id, policy_aliases }),
  unshare: (id: string): Promise<unknown> => account.call("DELETE", `${SHARING}/${encodeURIComponent(id)}`),
};
