/** What the shop itself knows: its configuration and its words. The models, their parameters and prices come from the server. */

export interface ShopModel {
  id: string;
  slug: string;
  title: string;
  embedding_ticket: string;
  thumbnail?: string;
}

export interface ShopConfig {
  base_url: string;
  models: ShopModel[];
}

interface Words {
  /** One line for the card. */
  short: string;
  /** Two sentences for the product page. */
  lead: string;
}

const WORDS: Record<string, Words> = {
  shelf: {
    short: "For the corner that no standard shelf fits",
    lead: "Solid boards, cut to the millimetre for the corner you have. Say how wide, how high and how many boards; we do the joints.",
  },
  enclosure: {
    short: "A case for your circuit board",
    lead: "A case that fits your board instead of the other way round, with vents where the heat is and a lid that closes. Printed by us, or by you: the file is yours to download.",
  },
  lamp: {
    short: "A shade that plays with light",
    lead: "A shade that turns on its way up and draws its pattern on the wall. Choose how much it twists, how high it stands and how fine the folds are.",
  },
};

const OTHER: Words = {
  short: "Made to your measure",
  lead: "Choose the measures; the model and its price follow.",
};

export function wordsFor(slug: string): Words {
  return WORDS[slug] ?? OTHER;
}

/** @throws Error with a sentence for the page when the shop's configuration is missing or empty. */
export async function loadConfig(): Promise<ShopConfig> {
  const response = await fetch("config.json");
  if (!response.ok) throw new Error(`The shop's configuration is missing (status ${response.status}).`);
  const config = (await response.json()) as ShopConfig;
  if (config.models.length === 0) throw new Error("The shop has no products yet.");
  return config;
}
