/**
 * A fault of the CAD library, kept away from drawings: it writes the header variable $CETRANSPARENCY (the transparency of new
 * objects) in a form that it does not read. After the second save a drawing would not open again. Nobody needs the variable.
 */

const NAME = "$CETRANSPARENCY";
/** Of the same length, and nobody's. */
const OTHER_NAME = "$_ETRANSPARENCY";
/** The header stands in front, and is some thousand characters long. */
const HEADER_BYTES_MAX = 65_536;

/** Hides the variable from the reader, in a file that was saved with it. The bytes are changed in place. */
export function hideFromReader(bytes: ArrayBuffer): void {
  const head = new Uint8Array(bytes, 0, Math.min(bytes.byteLength, HEADER_BYTES_MAX));
  const at = new TextDecoder("latin1").decode(head).indexOf(NAME);
  if (at >= 0) head.set(new TextEncoder().encode(OTHER_NAME), at);
}

/** Leaves the variable out of what is saved. */
export function withoutVariable(dxf: string): string {
  return dxf.replace(/^ *9\r?\n\$CETRANSPARENCY\r?\n *440\r?\n *-?\d+\r?\n/m, "");
}
