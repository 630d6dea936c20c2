/** Leaving for a provider, and coming back. */

/** Where the person was: the page is loaded anew when they are back. */
const BEFORE = "vitrine-before-provider";

/** Goes to a provider's page. */
export function leaveFor(address: string): void {
  sessionStorage.setItem(BEFORE, `${location.search}${location.hash}`);
  location.assign(address);
}

/** Where the person was before they left, as a part of this page's own address; once. */
export function takePlace(storage: Storage = sessionStorage): string {
  const place = storage.getItem(BEFORE) ?? "";
  storage.removeItem(BEFORE);
  const own = place.startsWith("?") || place.startsWith("#");
  return own && !place.includes("#/signed-in") && !place.includes("#/not-signed-in") ? place : "#/";
}

/** Goes back to where the person was. */
export function goBack(): void {
  const place = takePlace();
  // Another query is another page; within this one the hash is enough.
  if (place.startsWith("?")) location.replace(`/${place}`);
  else location.hash = place;
}

/** What the server's word for a failed sign-in means. The words come by the address, so that nobody else's text does. */
const SENTENCES: Record<string, string> = {
  "provider-unknown": "Nobody signs in at this provider any more.",
  "provider-sign-in-invalid": "This browser has no such sign-in under way: it was begun elsewhere, took more than ten minutes, or is finished.",
  "provider-denied": "The provider did not sign you in.",
  "provider-answer-invalid": "What the provider sent does not prove who you are. If it stays so, tell whoever runs this server.",
  "identity-unknown":
    "No account here is linked with who you are at the provider. Sign in with your password and link it in your account, or ask whoever runs this server for an account.",
  "identity-taken": "Who you are at the provider is linked with another account here. Sign in to that one and remove it there first.",
  "connector-failed": "The provider does not answer as it should. Try again in a minute.",
  "token-revoked": "The sign-in that began this has ended. Sign in again.",
};

export const sentenceFor = (code: string): string => (Object.hasOwn(SENTENCES, code) ? SENTENCES[code] : undefined) ?? "This did not work. Try again.";
