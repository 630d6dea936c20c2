/** The one thing that outlives a reload: the opaque editor session. Frames without storage do without. */

const KEY = "vitrine-editor-session";

export function rememberedSession(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function rememberSession(session: string | null): void {
  try {
    if (session === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, session);
  } catch {
    // A frame of another site may be refused any storage; then a reload asks for a new token.
  }
}

/**
 * Gives the CAD library a storage of this page's life. It writes its settings there at each start, and where the browser keeps
 * storage from frames of other sites, the mere look at the real one throws.
 */
export function keepLibraryOutOfStorage(): void {
  const kept = new Map<string, string>();
  const storage: Storage = {
    get length() {
      return kept.size;
    },
    key: (index) => [...kept.keys()][index] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, String(value)),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
  };
  Object.defineProperty(window, "localStorage", { value: storage, configurable: true });
}
