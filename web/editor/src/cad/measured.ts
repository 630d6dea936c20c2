/** How a dimension writes its length. It knows nothing of the CAD library. */

/** The part of a dimension style that bears on numbers. */
interface Numbers {
  dimlfac: number;
  dimdec: number;
  dimzin: number;
  dimdsep: string;
  dimpost: string;
}

/** Bit of DIMZIN: no zeros at the end. */
const NO_TRAILING_ZEROS = 8;

/** Digits behind the point that a drawing may ask for. */
const DIGITS_MAX = 8;

/** A length as a style writes it. */
export function measured(length: number, { dimlfac, dimdec, dimzin, dimdsep, dimpost }: Numbers): string {
  const factor = dimlfac > 0 ? dimlfac : 1;
  let text = (length * factor).toFixed(Math.min(Math.max(Math.trunc(dimdec), 0), DIGITS_MAX));
  if (dimzin & NO_TRAILING_ZEROS && text.includes(".")) text = text.replace(/\.?0+$/, "");
  // Drawings name the separator by its code.
  const separator = /^\d+$/.test(dimdsep) ? String.fromCharCode(Number(dimdsep)) : dimdsep;
  if (separator === ",") text = text.replace(".", ",");
  if (!dimpost) return text;
  return dimpost.includes("<>") ? dimpost.replace("<>", text) : text + dimpost;
}
