/** What the server wrote into the page. */

export interface ConsoleConfig {
  /** Where the API answers. */
  publicUrl: string;
  /** Where the iframe page and files come from. */
  contentUrl: string;
  version: string;
  /** Where else people sign in. */
  providers: Provider[];
  /** Whether browsers make passkeys for this address. */
  passkeys: boolean;
}

export interface Provider {
  name: string;
  title: string;
}

function read(): ConsoleConfig {
  const text = document.getElementById("vitrine-config")?.textContent ?? "{}";
  const parsed = JSON.parse(text) as Partial<ConsoleConfig>;
  return {
    publicUrl: parsed.publicUrl ?? location.origin,
    contentUrl: parsed.contentUrl ?? location.origin,
    version: parsed.version ?? "",
    providers: parsed.providers ?? [],
    passkeys: parsed.passkeys ?? false,
  };
}

export const config = read();
