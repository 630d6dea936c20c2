/** Parameter values between the API's strings and what people and controls use. */
import type { WireParameter } from "./wire.js";

/** What a page may pass as a value; everything becomes the API's string. */
export type ParameterValue = string | number | boolean | readonly number[];

export interface Rgba {
  /** Colour as `#rrggbb`. */
  hex: string;
  /** Opacity from 0 (clear) to 255 (opaque). */
  alpha: number;
}

const NUMERIC = new Set(["Int", "Even", "Odd", "Float"]);

export function isNumeric(parameter: WireParameter): boolean {
  return NUMERIC.has(parameter.type);
}

export function isChecklist(parameter: WireParameter): boolean {
  return parameter.type === "StringList" && parameter.visualization === "checklist";
}

export function labelOf(item: { name: string; displayname?: string }): string {
  return item.displayname?.trim() ? item.displayname : item.name;
}

/** Decimal places that a Float shows and sends; whole numbers have none. */
export function decimalsOf(parameter: WireParameter): number {
  if (parameter.type !== "Float") return 0;
  const places = parameter.decimalplaces ?? 2;
  return Math.min(Math.max(Math.trunc(places), 0), 15);
}

/** Distance between neighbouring values. */
export function stepOf(parameter: WireParameter): number {
  if (parameter.type === "Even" || parameter.type === "Odd") return 2;
  return parameter.type === "Float" ? Number((10 ** -decimalsOf(parameter)).toFixed(15)) : 1;
}

/** The range with ends that are themselves valid values (an Even from 3 starts at 4). */
export function rangeOf(parameter: WireParameter): { min?: number; max?: number } {
  const fit = (value: number | undefined, inwards: (n: number) => number): number | undefined => {
    if (value === undefined || parameter.type === "Float") return value;
    const whole = inwards(value);
    return hasParity(parameter, whole) ? whole : inwards === Math.ceil ? whole + 1 : whole - 1;
  };
  const min = fit(parameter.min, Math.ceil);
  const max = fit(parameter.max, Math.floor);
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

function hasParity(parameter: WireParameter, whole: number): boolean {
  if (parameter.type === "Even") return whole % 2 === 0;
  if (parameter.type === "Odd") return Math.abs(whole % 2) === 1;
  return true;
}

/** The nearest value that the parameter accepts. */
export function clampNumber(parameter: WireParameter, value: number): number {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = rangeOf(parameter);
  let near = parameter.type === "Float" ? Number(value.toFixed(decimalsOf(parameter))) : Math.round(value);
  if (!hasParity(parameter, near)) near += value >= near ? 1 : -1;
  return Math.min(Math.max(near, min), max);
}

/** A number as the API's text, with exactly the parameter's decimals. */
export function numberToWire(parameter: WireParameter, value: number): string {
  const text = clampNumber(parameter, value).toFixed(decimalsOf(parameter));
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}

/** Indices of a StringList value such as `"2"` or `"0,2"`; what is no valid index is dropped. */
export function choicesFromWire(parameter: WireParameter, wire: string): number[] {
  const count = parameter.choices?.length ?? 0;
  return wire
    .split(",")
    .filter((part) => /^\s*\d+\s*$/.test(part))
    .map(Number)
    .filter((index) => index < count);
}

export function choicesToWire(indices: readonly number[]): string {
  return [...new Set(indices)].sort((a, b) => a - b).join(",");
}

/** Reads `0xRRGGBBAA`, `0xRRGGBB`, `#rrggbb` and `#rrggbbaa`; null for anything else. */
export function colorFromWire(wire: string): Rgba | null {
  const match = /^(?:0x|#)([0-9a-f]{6})([0-9a-f]{2})?$/i.exec(wire.trim());
  if (!match?.[1]) return null;
  return { hex: `#${match[1].toLowerCase()}`, alpha: match[2] ? Number.parseInt(match[2], 16) : 255 };
}

export function colorToWire(color: Rgba): string {
  const alpha = Math.min(Math.max(Math.round(color.alpha), 0), 255);
  return `0x${color.hex.slice(1).toLowerCase()}${alpha.toString(16).padStart(2, "0")}`;
}

/**
 * Any accepted form of a value as the API's text.
 *
 * Texts pass unchanged where their meaning is not known: the server checks values and its message is better than a guess.
 */
export function toWire(parameter: WireParameter, value: ParameterValue): string {
  if (typeof value === "number" && isNumeric(parameter)) return numberToWire(parameter, value);
  if (Array.isArray(value)) return choicesToWire(value);
  if (parameter.type === "StringList" && typeof value === "string" && !/^[\d\s,]*$/.test(value)) {
    const index = parameter.choices?.indexOf(value) ?? -1;
    if (index >= 0) return String(index);
  }
  if (parameter.type === "Color" && typeof value === "string") {
    const color = colorFromWire(value);
    return color ? colorToWire(color) : value;
  }
  if (isNumeric(parameter) && typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))) {
    return numberToWire(parameter, Number(value));
  }
  return String(value);
}

/** A value in words, as a cart or an order confirmation would print it. */
export function describeValue(parameter: WireParameter, wire: string, locale?: string): string {
  switch (parameter.type) {
    case "Bool":
      return wire === "true" ? "Yes" : "No";
    case "StringList": {
      const names = choicesFromWire(parameter, wire).map((index) => parameter.choices?.[index] ?? "");
      return names.length ? names.join(", ") : "None";
    }
    case "Color": {
      const color = colorFromWire(wire);
      return color ? color.hex : wire;
    }
    default: {
      if (!isNumeric(parameter) || !Number.isFinite(Number(wire))) return wire;
      return new Intl.NumberFormat(locale, { maximumFractionDigits: decimalsOf(parameter) }).format(Number(wire));
    }
  }
}

interface Ordered {
  order?: number;
  hidden?: boolean;
}

/** Visible items in the model author's order; equal orders keep the server's. */
export function inOrder<T extends Ordered>(items: Iterable<T>): T[] {
  return [...items].filter((item) => !item.hidden).sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
}
