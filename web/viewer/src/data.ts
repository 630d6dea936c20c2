/** Data outputs: the facts beside the geometry, such as price and weight. */
import { labelOf } from "./values.js";
import type { WireOutput } from "./wire.js";

export interface Fact {
  /** Id of the output that it comes from. */
  output: string;
  /** Name of that output. */
  name: string;
  label: string;
  value: string | number | boolean;
  /** Unit as the model gives it; an ISO 4217 code marks money. */
  unit?: string;
}

type Plain = string | number | boolean;

function isPlain(value: unknown): value is Plain {
  return typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads `{label?, value, unit?}`, or a map from labels to values or to such objects. Everything else is for programs. */
function factsIn(data: unknown, label: string): Omit<Fact, "output" | "name">[] {
  if (!isRecord(data)) return isPlain(data) ? [{ label, value: data }] : [];
  if (isPlain(data["value"])) {
    return [
      {
        label: typeof data["label"] === "string" ? data["label"] : label,
        value: data["value"],
        ...(typeof data["unit"] === "string" ? { unit: data["unit"] } : {}),
      },
    ];
  }
  if ("value" in data) return [];
  return Object.entries(data).flatMap(([key, value]) => (isPlain(value) || isRecord(value) ? factsOfEntry(key, value) : []));
}

function factsOfEntry(key: string, value: unknown): Omit<Fact, "output" | "name">[] {
  if (isRecord(value) && !isPlain(value["value"])) return [];
  return factsIn(value, key);
}

/** All facts of the outputs, in the outputs' order. */
export function factsOf(outputs: readonly WireOutput[]): Fact[] {
  return outputs.flatMap((output) =>
    (output.content ?? [])
      .filter((item) => item.format === "data")
      .flatMap((item) => factsIn(item.data, item.name?.trim() || labelOf(output)))
      .map((fact) => ({ output: output.id, name: output.name, ...fact })),
  );
}

/** A fact's value as people write it: money with its sign, numbers with separators, yes and no. */
export function formatFact(fact: Pick<Fact, "value" | "unit">, locale?: string): string {
  const { value, unit } = fact;
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "string") return unit ? `${value} ${unit}` : value;
  if (unit && /^[A-Z]{3}$/.test(unit)) {
    try {
      return new Intl.NumberFormat(locale, { style: "currency", currency: unit }).format(value);
    } catch {
      // Three capitals that are no currency: an ordinary unit.
    }
  }
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(value);
  return unit ? `${number}\u00a0${unit}` : number;
}
