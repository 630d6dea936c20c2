/** Bounds of the client. Each says why it has its value. */

/** Rounds of recovery (new session, new token) before a call fails; the protocol's own clients use three as well. */
export const RECOVERY_ROUNDS_MAX = 3;

/** Repeats after 429 or 502; a server that is still busy after five waits will not be helped by a sixth. */
export const BUSY_REPEATS_MAX = 5;

/** Longest wait that a visitor is left with before the refusal is shown instead, in milliseconds. */
export const BUSY_WAIT_MS_MAX = 60_000;

/** Wait after 429 without `Retry-After`, in milliseconds. */
export const BUSY_WAIT_MS_DEFAULT = 5_000;

/** Wait after 502, in milliseconds: a node is being replaced, the next one answers soon. */
export const GATEWAY_WAIT_MS = 1_000;

/** One request; the server holds a computation for seconds, never for minutes. */
export const REQUEST_MS_MAX = 120_000;

/** Polling interval: no faster, so that a wrong `delay` cannot make the page hammer the server. */
export const POLL_MS_MIN = 100;

/** Polling interval: no slower, so that a finished result is not left lying. */
export const POLL_MS_MAX = 5_000;

/** Sum of all polling waits of one computation, in milliseconds; no model may compute longer than that. */
export const POLL_TOTAL_MS_MAX = 600_000;

/** Pause after the last movement of a slider before the server is asked, in milliseconds: below what feels late. */
export const DRAG_PAUSE_MS = 120;

/** Geometry kept in memory for values that were shown before, in bytes. */
export const ASSET_CACHE_BYTES_MAX = 64 * 1024 * 1024;

/** Largest single asset that is loaded, in bytes: more than that stalls a phone for good. */
export const ASSET_BYTES_MAX = 256 * 1024 * 1024;

/** Delay before "computing" is spoken, in milliseconds, so that quick answers do not chatter. */
export const ANNOUNCE_AFTER_MS = 700;
