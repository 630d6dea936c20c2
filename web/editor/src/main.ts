/**
 * The page of /editor: trades the token of its address for a session, cleans the address, and opens the drawing. The CAD library
 * is a chunk of its own, fetched while the server is asked.
 */
import "./editor.css";
import { Api, type EditorState, Failure, tradeToken } from "./api.js";
import { hideOpening, showFailure, showOpening, wordsFor } from "./notices.js";
import { keepLibraryOutOfStorage, rememberedSession, rememberSession } from "./storage.js";
import { languageFor, setLanguage, t } from "./texts.js";

/** The token of the address, which is cleaned at once: neither history, nor a copied link, nor a later request holds it. */
function takeToken(): string | null {
  const address = new URL(location.href);
  const token = address.searchParams.get("apitoken");
  if (token !== null) {
    const fence = address.searchParams.get("f");
    history.replaceState(null, "", fence === null ? address.pathname : `${address.pathname}?f=${encodeURIComponent(fence)}`);
  }
  return token;
}

/** The address that a reload needs: the server names it, and it stays on this page's path. */
function settleAddress(state: EditorState): void {
  if (!state.address) return;
  const address = new URL(state.address, location.href);
  if (address.origin === location.origin && address.pathname === location.pathname) history.replaceState(null, "", address);
}

async function openSession(token: string | null): Promise<{ api: Api; state: EditorState } | null> {
  if (token !== null) {
    const opened = await tradeToken(token);
    rememberSession(opened.api.session);
    settleAddress(opened.state);
    return opened;
  }
  const session = rememberedSession();
  if (session === null) return null;
  const api = new Api(session);
  return { api, state: await api.state() };
}

async function start(token: string | null): Promise<void> {
  keepLibraryOutOfStorage();
  setLanguage(languageFor(navigator.language));
  document.title = t("editor");
  showOpening("opening");
  const again = () => location.reload();
  if (token === null && rememberedSession() === null) return showFailure("noToken");
  // What fails here is told below, when it is waited for.
  const program = import("./editor.js");
  program.catch(() => undefined);
  let opened: Awaited<ReturnType<typeof openSession>>;
  try {
    opened = await openSession(token);
  } catch (error) {
    const failure = error instanceof Failure ? error : new Failure("trouble", String(error));
    if (failure.kind === "gone" || failure.kind === "refused") rememberSession(null);
    // A token is good for this one call; when nobody heard it, the same page may ask once more.
    const mayRetry = failure.kind === "unreachable" || failure.kind === "trouble";
    const retry = token === null ? again : () => void restart(token);
    return showFailure(wordsFor(failure, token !== null), { requestId: failure.requestId, again: mayRetry ? retry : null });
  }
  if (!opened) return showFailure("noToken");
  setLanguage(languageFor(opened.state.parameters.locale ?? navigator.language));
  showOpening("loadingDrawing");
  const drawing = opened.api.drawing();
  drawing.catch(() => undefined);
  let editor: typeof import("./editor.js");
  try {
    editor = await program;
  } catch (error) {
    console.error("The editor's code could not be loaded.", error);
    return showFailure("programMissing", { again });
  }
  try {
    await editor.openEditor(opened.api, opened.state, drawing);
    hideOpening();
  } catch (error) {
    const failure = error instanceof Failure ? error : null;
    if (!failure) console.error(error);
    if (failure?.kind === "gone") rememberSession(null);
    const words = failure ? wordsFor(failure, false) : error instanceof editor.CannotShow ? error.words : "serverTrouble";
    showFailure(words, { requestId: failure?.requestId ?? null, again: words === "drawingBroken" ? null : again });
  }
}

async function restart(token: string): Promise<void> {
  const { opening, box } = { opening: document.getElementById("opening"), box: document.getElementById("opening-box") };
  const words = document.createElement("p");
  words.id = "opening-words";
  words.setAttribute("role", "status");
  opening?.classList.remove("failed");
  box?.replaceChildren(words);
  await start(token);
}

void start(takeToken());
