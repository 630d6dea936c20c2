/** A picture that cameras of phones read. */
import type { JSX } from "preact";
import { encode } from "uqr";

/** Modules of quiet around the picture, which readers need (ISO/IEC 18004). */
const BORDER_MODULES = 4;

/** Dark on light in every scheme: many readers know no other. */
export function QrCode({ text, name }: { text: string; name: string }): JSX.Element {
  const { data, size } = encode(text, { border: BORDER_MODULES });
  const path = data.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <svg class="qr" role="img" aria-label={name} viewBox={`0 0 ${size} ${size}`} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
