/** The cart: an honest list of what was configured, in memory only. */

export interface CartItem {
  title: string;
  price: string | null;
  /** Parameter and value in words. */
  lines: [string, string][];
}

function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element “${id}”.`);
  return found as T;
}

function text(tag: string, content: string, className = ""): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = content;
  if (className) element.className = className;
  return element;
}

export class Cart {
  readonly #items: CartItem[] = [];
  readonly #dialog = byId<HTMLDialogElement>("cart");
  readonly #count = byId("cart-count");

  constructor() {
    byId("cart-button").addEventListener("click", () => this.open());
    // A click beside the dialog closes it: the backdrop's clicks arrive at the dialog itself.
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
  }

  add(item: CartItem): void {
    this.#items.push(item);
    this.#show();
    this.open();
  }

  open(): void {
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #show(): void {
    this.#count.textContent = String(this.#items.length);
    this.#count.hidden = this.#items.length === 0;
    byId("cart-empty").hidden = this.#items.length > 0;
    byId("cart-items").replaceChildren(...this.#items.map((item, index) => this.#row(item, index)));
  }

  #row(item: CartItem, index: number): HTMLElement {
    const row = document.createElement("li");
    const head = document.createElement("div");
    head.className = "item-head";
    head.append(text("h3", item.title), text("strong", item.price ?? ""));
    const list = document.createElement("dl");
    for (const [label, value] of item.lines) {
      const line = document.createElement("div");
      line.append(text("dt", label), text("dd", value));
      list.append(line);
    }
    const remove = text("button", "Remove", "quiet") as HTMLButtonElement;
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${item.title} from the cart`);
    remove.addEventListener("click", () => {
      this.#items.splice(index, 1);
      this.#show();
      byId("cart-heading").focus();
    });
    row.append(head, list, remove);
    return row;
  }
}
