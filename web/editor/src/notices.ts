/** What the page has to say: one notice with choices over the stage, or one sentence in place of everything. */
import { Failure } from "./api.js";
import { byId, el } from "./dom.js";
import { t, type TextKey } from "./texts.js";

export interface Choice {
  label: string;
  act: () => void;
  isMain?: boolean;
}

/** A notice in the corner of the stage; it stays until somebody answers it or another takes its place. */
export function notify(words: string, choices: readonly Choice[] = [], { isUrgent = false } = {}): void {
  const notice = byId("notice");
  notice.replaceChildren();
  notice.setAttribute("role", isUrgent ? "alert" : "status");
  const buttons = [...choices, ...(choices.length > 0 ? [] : [{ label: t("dismiss"), act: () => undefined }])].map((choice) => {
    const button = el("button", { type: "button", class: choice.isMain ? "main" : "plain" }, choice.label);
    button.addEventListener("click", () => {
      hideNotice();
      choice.act();
    });
    return button;
  });
  notice.append(el("p", {}, words), el("div", { class: "choices" }, ...buttons));
  notice.hidden = false;
}

export function hideNotice(): void {
  byId("notice").hidden = true;
}

/** The state of opening; it is replaced by the drawing or by a failure. */
export function showOpening(words: TextKey): void {
  byId("opening-words").textContent = t(words);
}

export function hideOpening(): void {
  byId("opening").hidden = true;
}

/** One sentence in place of the drawing: what is wrong and what to do. */
export function showFailure(words: TextKey, { requestId = null as string | null, again = null as (() => void) | null } = {}): void {
  byId("workspace").hidden = true;
  const opening = byId("opening");
  opening.hidden = false;
  opening.classList.add("failed");
  const parts: Node[] = [el("h1", {}, t("editor")), el("p", { role: "alert" }, t(words))];
  if (again) {
    const button = el("button", { type: "button", class: "main" }, t("tryAgain"));
    button.addEventListener("click", again);
    parts.push(button);
  }
  if (requestId) parts.push(el("p", { class: "fine" }, t("requestId", { id: requestId })));
  byId("opening-box").replaceChildren(...parts);
}

/** The sentence for a request that failed while the page opens. */
export function wordsFor(failure: Failure, isTrade: boolean): TextKey {
  switch (failure.kind) {
    case "refused":
      return isTrade ? "tokenRefused" : "sessionGone";
    case "gone":
      return isTrade ? "tokenRefused" : "sessionGone";
    case "missing":
      return "drawingMissing";
    case "unreachable":
      return "noConnection";
    default:
      if (failure.code.startsWith("drawing-")) return "drawingBroken";
      return "serverTrouble";
  }
}
