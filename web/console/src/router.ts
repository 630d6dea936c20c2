/**
 * Where the person is: `#/models/shelf/embed`. Addresses stand behind the hash, so that one page of the server serves them all, no
 * address of the console can clash with the API's, and no id reaches a log or a referrer.
 */
import { useEffect, useState } from "preact/hooks";

export function segments(hash: string): string[] {
  return hash
    .replace(/^#\/?/, "")
    .split("/")
    .filter((part) => part !== "")
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}

export function address(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export function go(...parts: string[]): void {
  location.hash = address(...parts);
}

export function useSegments(): string[] {
  const [now, set] = useState(() => segments(location.hash));
  useEffect(() => {
    const changed = (): void => set(segments(location.hash));
    addEventListener("hashchange", changed);
    // What was changed before anybody listened.
    changed();
    return () => removeEventListener("hashchange", changed);
  }, []);
  return now;
}
