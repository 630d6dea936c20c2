/** Times and states in the reader's words. */

const LOCALE = navigator.language || "en";
const dateTime = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });
const date = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** `seconds` since 1970. */
export function ago(seconds: number, now = Date.now() / 1000): string {
  const past = seconds - now;
  for (const [unit, length] of UNITS) {
    if (Math.abs(past) >= length) return relative.format(Math.trunc(past / length), unit);
  }
  return "just now";
}

export const instant = (seconds: number): string => dateTime.format(seconds * 1000);
export const day = (seconds: number): string => date.format(seconds * 1000);
export const instantOf = (iso: string): string => dateTime.format(Date.parse(iso));

/** A size as people read it. */
export function bytes(count: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  let size = count;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** A number of credits in words. */
export const credits = (count: number): string => `${count.toLocaleString()} ${count === 1 ? "credit" : "credits"}`;

export type Tone = "good" | "waiting" | "bad" | "quiet";

/** A model's state as a word and its tone. */
export function modelState(status: string): { word: string; tone: Tone } {
  switch (status) {
    case "done":
      return { word: "Ready", tone: "good" };
    case "start":
      return { word: "No file yet", tone: "quiet" };
    case "confirmed":
      return { word: "Not published", tone: "waiting" };
    case "waiting":
    case "pending":
      return { word: "Being checked", tone: "waiting" };
    default:
      return { word: "Refused", tone: "bad" };
  }
}

/** An operation's name for people: `CreateSessionByTicket` becomes “Create session by ticket”. */
export function spoken(operation: string): string {
  const words = operation
    .replace(/^Platform/, "")
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const utcDay = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeZone: "UTC" });
const utcMonth = new Intl.DateTimeFormat(LOCALE, { month: "long", year: "numeric", timeZone: "UTC" });

/** A day or month that begins at `seconds` since 1970 (UTC). */
export const stretchName = (seconds: number, period: "day" | "month"): string => (period === "day" ? utcDay : utcMonth).format(seconds * 1000);
