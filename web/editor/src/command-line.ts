/** The command line is the library's; it gets a name for people who hear the page, and the page's own looks (editor.css). */
import { t } from "./texts.js";

function input(): HTMLInputElement | null {
  return document.querySelector(".ml-cli-text");
}

export function labelCommandLine(): void {
  input()?.setAttribute("aria-label", t("commandLine"));
  document.querySelector(".ml-cli-down")?.setAttribute("aria-label", t("commandHistory"));
  document.querySelector(".ml-cli-up")?.setAttribute("aria-label", t("commandMessages"));
}

export function typeIntoCommandLine(): void {
  input()?.focus({ preventScroll: true });
}
