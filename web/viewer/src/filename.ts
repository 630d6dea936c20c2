/** Names for downloaded files. */

/** The file name of a `Content-Disposition` header; the UTF-8 form (`filename*`) wins. */
export function filenameFromDisposition(header: string | null): string | null {
  if (!header) return null;
  const extended = /filename\*\s*=\s*UTF-8''([^;]+)/i.exec(header)?.[1];
  if (extended) {
    try {
      return decodeURIComponent(extended.trim());
    } catch {
      // A broken escape: the plain form is next.
    }
  }
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(header);
  return plain?.[1]?.replace(/\\(.)/g, "$1") ?? plain?.[2] ?? null;
}

const LENGTH_MAX = 120;

/** A name that every file system takes, ending in the format's extension exactly once. */
export function safeFilename(name: string, extension: string): string {
  const base = name
    .replace(/[\u0000-\u001f\u007f<>:"/\\|?*]+/g, " ")
    .replace(/\s+/g, " ")
    .replace(/^[. ]+|[. ]+$/g, "")
    .slice(0, LENGTH_MAX);
  const ending = `.${extension.replace(/^\./, "").toLowerCase()}`;
  const stem = base || "model";
  return stem.toLowerCase().endsWith(ending) ? stem : stem + ending;
}
