/** What browsers do with passkeys: making one, and signing by one. The wire form is base64url. */
import { ApiError } from "./api.js";

/** What the server asks an authenticator to make. */
export interface WantedPasskey {
  challenge: string;
  rp: { id: string; name: string };
  user: { id: string; name: string; display_name: string };
  /** By COSE's numbers, best first. */
  algorithms: number[];
  /** Keys that the account has already. */
  exclude: string[];
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

export function textOf(bytes: ArrayBuffer | null): string {
  const plain = String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0)));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export const hasPasskeys = (): boolean => typeof PublicKeyCredential === "function";

/** Says in words what the browser's dialog ended with. */
function ended(error: unknown): never {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "InvalidStateError") throw new ApiError("This device has a passkey of your account already.", 0);
  if (name === "NotAllowedError" || name === "AbortError") throw new ApiError("No passkey was used. Try again, or sign in another way.", 0);
  if (name === "SecurityError") throw new ApiError("Browsers do not make passkeys for this address. Open the console under its own name.", 0);
  throw error;
}

export async function makePasskey(wanted: WantedPasskey): Promise<Record<string, string>> {
  const made = await navigator.credentials
    .create({
      publicKey: {
        challenge: bytesOf(wanted.challenge),
        rp: wanted.rp,
        user: { id: bytesOf(wanted.user.id), name: wanted.user.name, displayName: wanted.user.display_name },
        pubKeyCredParams: wanted.algorithms.map((alg) => ({ type: "public-key", alg })),
        excludeCredentials: wanted.exclude.map((id) => ({ type: "public-key", id: bytesOf(id) })),
        authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
        attestation: "none",
      },
    })
    .catch(ended);
  const response = (made as PublicKeyCredential).response as AuthenticatorAttestationResponse;
  return { client_data: textOf(response.clientDataJSON), authenticator_data: textOf(response.getAuthenticatorData()) };
}

export async function signByPasskey(challenge: string, rpId: string): Promise<Record<string, string>> {
  const found = await navigator.credentials
    .get({ publicKey: { challenge: bytesOf(challenge), rpId, userVerification: "required" } })
    .catch(ended);
  const credential = found as PublicKeyCredential;
  const response = credential.response as AuthenticatorAssertionResponse;
  return {
    id: textOf(credential.rawId),
    client_data: textOf(response.clientDataJSON),
    authenticator_data: textOf(response.authenticatorData),
    signature: textOf(response.signature),
    user_handle: textOf(response.userHandle),
  };
}
