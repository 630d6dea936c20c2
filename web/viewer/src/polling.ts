/** Waiting for results that the server is still computing. */
import { VitrineError } from "./errors.js";
import { POLL_MS_MAX, POLL_MS_MIN, POLL_TOTAL_MS_MAX } from "./limits.js";
import type { Sleep } from "./transport.js";

interface Pending {
  delay?: number;
}

/** The longest `delay` of the items, or 0 when all of them are there. */
function delayOf(items: Record<string, Pending>): number {
  return Math.max(0, ...Object.values(items).map((item) => item.delay ?? 0));
}

/**
 * Asks again until no item is pending.
 *
 * # Errors
 * Rejects when the waits add up to more than `POLL_TOTAL_MS_MAX`, when `ask` fails, and when the signal is aborted.
 */
export async function pollUntilDone<T extends Pending>(
  first: Record<string, T>,
  ask: (current: Record<string, T>) => Promise<Record<string, T>>,
  sleep: Sleep,
  signal?: AbortSignal,
): Promise<Record<string, T>> {
  let items = first;
  let waitedMs = 0;
  for (let delay = delayOf(items); delay > 0; delay = delayOf(items)) {
    const wait = Math.min(Math.max(delay, POLL_MS_MIN), POLL_MS_MAX);
    waitedMs += wait;
    if (waitedMs > POLL_TOTAL_MS_MAX) {
      const message = "The computation took longer than ten minutes. Choose other values or ask the model's owner.";
      throw new VitrineError({ type: "", desc: "Computation took too long", message, status: 0 });
    }
    await sleep(wait, signal);
    items = { ...items, ...(await ask(items)) };
  }
  return items;
}
