/** From a file on the person's disk to a model that pages can show. */
import { geometry } from "./geometry.js";
import { platform, type Model, type NewModel } from "./platform.js";

export type Step =
  | { name: "making" }
  /** The share of the file that has been sent, 0 to 1. */
  | { name: "sending"; share: number }
  | { name: "checking" }
  | { name: "publishing" };

/** What the server is asked for while it checks the file: often at first, since most files take a second. */
const ASK_MS_MIN = 400;
const ASK_MS_MAX = 3000;
const ASK_MS_FACTOR = 1.5;

/** What is a title for the server. */
export const TITLE_CHARS_MIN = 5;
/** Files that are read into memory to show a part of them. */
export const SOURCE_BYTES_MAX = 4_000_000;

const ENDINGS = [".js", ".mjs", ".cjs", ".jscad", ".scad"];

/** What is wrong with a file before it is sent, in words. */
export function faultOf(file: Pick<File, "name" | "size">): string | undefined {
  if (file.size === 0) return "The file is empty.";
  const name = file.name.toLowerCase();
  if (ENDINGS.some((ending) => name.endsWith(ending))) return undefined;
  return `A model is a JSCAD script (.js) or an OpenSCAD file (.scad); “${file.name}” is neither.`;
}

/** A title to begin with: the file's name without its ending. */
export function titleOf(filename: string): string {
  const words = filename.replace(/\.[^.]*$/, "").replace(/[-_.]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What a new version takes over from the one before. */
export function inherited(previous: Model): Omit<NewModel, "filename"> {
  return {
    title: previous.title,
    prev_id: previous.id,
    description: previous.description ?? "",
    comment: previous.comment,
    tags: previous.tags.map(({ name }) => name),
    visibility: previous.visibility,
    accessdomains: previous.accessdomains.map(({ name }) => name),
    use_global_accessdomains: previous.use_global_accessdomains,
    backendaccess: previous.backend_access,
    require_token: previous.require_token,
    allow_direct_embedding: previous.allow_direct_embedding,
  };
}

const isBeingChecked = ({ status }: Model): boolean => status === "waiting" || status === "pending";

/** Waits, unless the signal ends it. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      },
      { once: true },
    );
  });
}

/** Sends a model's file, waits for its check and publishes it. Answers the model, which is published or refused. */
export async function bring(model: Model, file: File, on: (step: Step) => void, signal: AbortSignal): Promise<Model> {
  let now = model;
  if (now.status === "start") {
    on({ name: "sending", share: 0 });
    const { file: links } = await geometry.model(now.id);
    // Without a link the file has arrived before, and only the answer was lost.
    if (links?.upload) {
      const type = file.type || "application/octet-stream";
      await geometry.upload(links.upload, file, type, (share) => on({ name: "sending", share }), signal);
    }
    now = await platform.model(now.id);
  }
  on({ name: "checking" });
  for (let wait = ASK_MS_MIN; isBeingChecked(now); wait = Math.min(wait * ASK_MS_FACTOR, ASK_MS_MAX)) {
    await pause(wait, signal);
    now = await platform.model(now.id);
  }
  if (now.status !== "confirmed") return now;
  on({ name: "publishing" });
  await platform.publish(now.id);
  return platform.model(now.id);
}

/**
 * Makes room for the corrected file of a model that was refused: a model never changes its file, so another one takes its place, and
 * its short name with it.
 */
export async function retire(refused: Model): Promise<void> {
  const mark = refused.id.slice(0, 8);
  if (!refused.slug.endsWith(mark)) await platform.rename(refused.id, `${refused.slug}-${mark}`);
  await platform.deleteModel(refused.id);
}
