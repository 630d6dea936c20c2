/** Recently used assets by version, bounded by their bytes; the least recently used go first. */
export class AssetCache {
  readonly #bytesMax: number;
  readonly #entries = new Map<string, ArrayBuffer>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(key: string): ArrayBuffer | undefined {
    const found = this.#entries.get(key);
    if (found) {
      this.#entries.delete(key);
      this.#entries.set(key, found);
    }
    return found;
  }

  put(key: string, asset: ArrayBuffer): void {
    if (asset.byteLength > this.#bytesMax) return;
    this.#bytes += asset.byteLength - (this.#entries.get(key)?.byteLength ?? 0);
    this.#entries.delete(key);
    this.#entries.set(key, asset);
    for (const [oldest, bytes] of this.#entries) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#entries.delete(oldest);
      this.#bytes -= bytes.byteLength;
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
