/** Bounds and intervals of the page, each with its reason. */

/** Answers that carry no drawing are small; a person waits this long for one before words are better. */
export const ANSWER_MS_MAX = 30_000;

/** A drawing of some ten megabytes over a slow line. */
export const DRAWING_MS_MAX = 180_000;

/** Work that a crash of the browser may cost. */
export const AUTOSAVE_MS = 60_000;

/** The server forgets a lease after a minute: three beats fit, so that one lost beat costs nothing. */
export const LEASE_BEAT_MS = 20_000;

/** Browsers send a body of at most 64 KiB while a page goes away. */
export const FAREWELL_BYTES_MAX = 60 * 1024;

/** A command of the page around, with its arguments. */
export const COMMAND_CHARS_MAX = 4_096;

/** Objects whose properties are shown one by one. */
export const SELECTION_SHOWN_MAX = 1;
