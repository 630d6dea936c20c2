/** Credits by time, from the rows that the server adds up. */
import type { Metric, Period } from "./platform.js";

const DAY_S = 86_400;
/** How many stretches are shown. */
export const STRETCHES: Record<Period, number> = { day: 31, month: 12 };

export type Kind = "sessions" | "computations" | "exports" | "other";

export const KINDS: { id: Kind; word: string }[] = [
  { id: "sessions", word: "Sessions" },
  { id: "computations", word: "Computing" },
  { id: "exports", word: "Downloads" },
  { id: "other", word: "Other" },
];

/** One day or month (UTC) with what was spent in it. */
export interface Stretch {
  /** When it begins, seconds since 1970. */
  at: number;
  credits: Record<Kind, number>;
  total: number;
}

/** When the stretches begin that end with the one of `now` (seconds since 1970), oldest first. */
export function startsOf(period: Period, now: number): number[] {
  const count = STRETCHES[period];
  const today = new Date(now * 1000);
  return Array.from({ length: count }, (_, index) => {
    const back = count - 1 - index;
    if (period === "month") return Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - back, 1) / 1000;
    return (Math.floor(now / DAY_S) - back) * DAY_S;
  });
}

function creditsOf({ data }: Metric): Record<Kind, number> {
  const classes = [data.default, data.limited];
  const sum = (...kinds: (keyof (typeof classes)[number])[]): number =>
    classes.flatMap((one) => kinds.map((kind) => one[kind].credits ?? 0)).reduce((total, credits) => total + credits, 0);
  return {
    sessions: sum("sessions"),
    computations: sum("computations"),
    exports: sum("exports"),
    other: sum("outputs", "combined") + (data.loading.credits ?? 0),
  };
}

/** Every stretch, those in which nothing happened too. */
export function stretchesOf(metrics: readonly Metric[], period: Period, now: number): Stretch[] {
  const known = new Map(metrics.map((metric) => [metric.timestamp_date, creditsOf(metric)]));
  return startsOf(period, now).map((at) => {
    const credits = known.get(at) ?? { sessions: 0, computations: 0, exports: 0, other: 0 };
    return { at, credits, total: Object.values(credits).reduce((total, one) => total + one, 0) };
  });
}

export const totalOf = (stretches: readonly Stretch[]): number => stretches.reduce((total, one) => total + one.total, 0);

/** The end of an axis: the next number that begins with 1, 2 or 5. */
export function niceMax(value: number): number {
  if (value <= 1) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * unit).find((end) => end >= value) ?? 10 * unit;
}
