/** The module that pages load: defines `<vitrine-viewer>` and offers what it is made of. */
import { Session, type SessionOptions } from "./client.js";
import { VitrineViewer } from "./element.js";
import type { Viewport } from "./viewport.js";

export { Session, type ExportFile, type SessionEvents, type SessionOptions } from "./client.js";
export { factsOf, formatFact, type Fact } from "./data.js";
export { VitrineViewer, type ViewerEvents } from "./element.js";
export { VitrineError } from "./errors.js";
export { describeValue, labelOf, type ParameterValue } from "./values.js";
export type { Viewport, ViewportItem } from "./viewport.js";
export type { WireExport, WireOutput, WireParameter } from "./wire.js";

/**
 * Opens a session and waits for its first results.
 *
 * @throws VitrineError when the server refuses or cannot be reached.
 */
export async function createSession(options: SessionOptions): Promise<Session> {
  const session = await Session.open(options);
  await session.settle();
  return session;
}

/**
 * Fills an element with an empty 3D picture.
 *
 * @throws when the browser has no WebGL 2.
 */
export async function createViewport(element: HTMLElement): Promise<Viewport> {
  const { Viewport } = await import("./viewport.js");
  return new Viewport(element);
}

if (!customElements.get("vitrine-viewer")) customElements.define("vitrine-viewer", VitrineViewer);

declare global {
  interface HTMLElementTagNameMap {
    "vitrine-viewer": VitrineViewer;
  }
}
