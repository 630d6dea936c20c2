/** A typed event list: the smallest thing that serves `session.on(...)`. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(detail: never) => void>>();

  /** Adds a listener; the returned function removes it. */
  on<K extends keyof Events>(name: K, listener: (detail: Events[K]) => void): () => void {
    let set = this.#listeners.get(name);
    if (!set) this.#listeners.set(name, (set = new Set()));
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<K extends keyof Events>(name: K, detail: Events[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as (detail: Events[K]) => void)(detail);
  }
}
