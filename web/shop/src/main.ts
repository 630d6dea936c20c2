/** The demo shop: products as cards, one viewer, price and weight in the shop's own markup. */
import "./shop.css";
import type { Fact, VitrineViewer, WireParameter } from "../../viewer/src/index.js";
import { Cart, type CartItem } from "./cart.js";
import { loadConfig, wordsFor, type ShopConfig, type ShopModel } from "./catalogue.js";

type ViewerModule = typeof import("../../viewer/src/index.js");

function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element “${id}”.`);
  return found as T;
}

class Shop {
  readonly #config: ShopConfig;
  readonly #viewers: ViewerModule;
  readonly #cart = new Cart();
  readonly #add = byId<HTMLButtonElement>("add");
  readonly #facts = byId<HTMLDListElement>("facts");
  readonly #viewer: VitrineViewer;
  #current: ShopModel;
  #parameters: readonly WireParameter[] = [];
  #values: Record<string, string> = {};
  #price: string | null = null;

  constructor(config: ShopConfig, viewers: ViewerModule, first: ShopModel) {
    this.#config = config;
    this.#viewers = viewers;
    this.#current = first;
    this.#viewer = document.createElement("vitrine-viewer");
    this.#viewer.refreshToken = () => this.#token();
    this.#listen();
    this.#add.addEventListener("click", () => this.#cart.add(this.#item()));
    addEventListener("hashchange", () => this.show(modelOf(config, location.hash)));
  }

  show(model: ShopModel): void {
    this.#current = model;
    this.#price = null;
    this.#add.disabled = true;
    this.#facts.replaceChildren();
    byId("unavailable").hidden = true;
    byId("product").hidden = false;
    byId("product-heading").textContent = model.title;
    byId("product-lead").textContent = wordsFor(model.slug).lead;
    byId("snippet").textContent = snippet(this.#config, model);
    document.title = `${model.title} – Nordlicht Werkstatt`;
    for (const link of document.querySelectorAll<HTMLAnchorElement>("#products a")) {
      if (link.hash === `#${model.slug}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.#viewer.setAttribute("ticket", model.embedding_ticket);
    if (this.#viewer.isConnected) return;
    this.#viewer.append(byId("words"));
    byId("product").prepend(this.#viewer);
  }

  /** The shop's own back end knows its visitors and gives them tokens; the page never sees what they are made with. */
  async #token(): Promise<string> {
    const answer = await fetch(`token/${this.#current.id}`, { method: "POST" });
    if (!answer.ok) throw new Error(`The shop gave no token (status ${answer.status}).`);
    return answer.text();
  }

  #listen(): void {
    this.#viewer.addEventListener("vitrine-session", (event) => {
      this.#parameters = (event as CustomEvent<{ parameters: WireParameter[] }>).detail.parameters;
    });
    this.#viewer.addEventListener("vitrine-computed", (event) => {
      const { facts, values } = (event as CustomEvent<{ facts: Fact[]; values: Record<string, string> }>).detail;
      this.#values = values;
      this.#showFacts(facts);
      this.#add.disabled = false;
    });
    this.#viewer.addEventListener("vitrine-refused", () => {
      this.#facts.replaceChildren();
      this.#add.disabled = true;
      byId("unavailable").hidden = false;
    });
  }

  #showFacts(facts: Fact[]): void {
    const locale = document.documentElement.lang;
    const rows = facts.map((fact) => {
      const words = this.#viewers.formatFact(fact, locale);
      const isPrice = /price/i.test(`${fact.name} ${fact.label}`);
      if (isPrice) this.#price = words;
      const row = document.createElement("div");
      row.className = isPrice ? "price" : "";
      const [label, value] = [document.createElement("dt"), document.createElement("dd")];
      label.textContent = fact.label;
      value.textContent = words;
      row.append(label, value);
      return row;
    });
    this.#facts.replaceChildren(...rows);
  }

  #item(): CartItem {
    const { describeValue, labelOf } = this.#viewers;
    const lines = this.#parameters
      .filter((parameter) => !parameter.hidden)
      .map((parameter): [string, string] => [
        labelOf(parameter),
        describeValue(parameter, this.#values[parameter.id] ?? "", document.documentElement.lang) || "–",
      ]);
    return { title: this.#current.title, price: this.#price, lines };
  }
}

function modelOf(config: ShopConfig, hash: string): ShopModel {
  const found = config.models.find((model) => `#${model.slug}` === hash) ?? config.models[0];
  if (!found) throw new Error("The shop has no products yet.");
  return found;
}

/** What a person would write to get the same model on a page. */
function snippet(config: ShopConfig, model: ShopModel): string {
  return [
    `<script type="module" src="${config.base_url}/viewer/vitrine-viewer.js"></script>`,
    `<vitrine-viewer`,
    `  ticket="${model.embedding_ticket}"></vitrine-viewer>`,
  ].join("\n");
}

function showCards(config: ShopConfig): void {
  byId("products").replaceChildren(
    ...config.models.map((model) => {
      const link = document.createElement("a");
      link.href = `#${model.slug}`;
      if (model.thumbnail) {
        const image = document.createElement("img");
        image.src = model.thumbnail;
        image.alt = "";
        image.width = image.height = 88;
        image.addEventListener("error", () => image.remove());
        link.append(image);
      }
      const words = document.createElement("span");
      const [title, line] = [document.createElement("strong"), document.createElement("span")];
      title.textContent = model.title;
      line.textContent = wordsFor(model.slug).short;
      words.append(title, line);
      link.append(words);
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
}

async function main(): Promise<void> {
  const config = await loadConfig();
  showCards(config);
  // The one line of a plain page, <script type="module" src="…/viewer/vitrine-viewer.js">: here the address comes from a file.
  const viewers = (await import(/* @vite-ignore */ `${config.base_url}/viewer/vitrine-viewer.js`)) as ViewerModule;
  const first = modelOf(config, location.hash);
  new Shop(config, viewers, first).show(first);
}

main().catch((error: unknown) => {
  console.error(error);
  const failure = byId("failure");
  failure.textContent = `The shop could not open. ${error instanceof Error ? error.message : ""}`;
  failure.hidden = false;
});
