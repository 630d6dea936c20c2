/**
 * An element that stands in for `<style>`: what is set as its text becomes a style sheet object of the document, which a policy
 * without inline styles allows. The build makes the CAD library use it (tools/cad-library.mjs).
 */
class SheetElement extends HTMLElement {
  #sheet: CSSStyleSheet | undefined;

  override get textContent(): string {
    return "";
  }

  override set textContent(css: string | null) {
    if (!this.#sheet) {
      this.#sheet = new CSSStyleSheet();
      // In front of the page's own sheet object, if there is one: the page may restyle what the library brings.
      document.adoptedStyleSheets = [this.#sheet, ...document.adoptedStyleSheets];
    }
    this.#sheet.replaceSync(css ?? "");
  }

  connectedCallback(): void {
    this.hidden = true;
  }
}

customElements.define("vitrine-sheet", SheetElement);
