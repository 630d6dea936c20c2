/** What the server wrote into the page. */

export interface ConsoleConfig {
  /** Where the API answers. */
  publicUrl: string;
  /** Where the iframe page and files come from. */
  contentUrl: string;
  version: string;
}

function read(): ConsoleConfig {
  const text = document.getElementById("vitrine-config")?.textContent ?? "{}";
  const parsed = JSON.parse(text) as Partial<ConsoleConfig>;
  return {
    publicUrl: parsed.publicUrl ?? location.origin,
    contentUrl: parsed.contentUrl ?? location.origin,
    version: parsed.version ?? "",
  };
}

export const config = read();
