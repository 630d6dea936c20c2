/** When the drawing is saved, and what is known about it: one small machine, without a screen. */
import { Failure } from "./api.js";
import { AUTOSAVE_MS } from "./limits.js";

export type SavingState =
  | { name: "clean" }
  | { name: "dirty" }
  | { name: "saving" }
  | { name: "failed"; failure: Failure }
  /** Another version was saved meanwhile; both are kept, and a person has to choose. */
  | { name: "conflict" };

export interface SavingPorts {
  /** The drawing as DXF. */
  dxf(): string;
  save(dxf: string, etag: string, options: { farewell: boolean }): Promise<string>;
  /** The newest version's tag. */
  newest(): Promise<string | null>;
  changed(state: SavingState): void;
}

/** Saves on demand, and by itself a while after the first change unless that is switched off. */
export class Saver {
  state: SavingState = { name: "clean" };
  readonly #ports: SavingPorts;
  readonly #autosave: boolean;
  #etag: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  /** Counts changes, so that one during a save is not taken for saved. */
  #changes = 0;
  #saved = 0;

  constructor(ports: SavingPorts, etag: string, { autosave }: { autosave: boolean }) {
    this.#ports = ports;
    this.#etag = etag;
    this.#autosave = autosave;
  }

  get hasUnsaved(): boolean {
    return this.#changes !== this.#saved;
  }

  get savesByItself(): boolean {
    return this.#autosave;
  }

  touch(): void {
    this.#changes += 1;
    if (this.state.name === "clean") this.#enter({ name: "dirty" });
    this.#schedule();
  }

  /** Saves now. Calls during a save wait for it and save what came after it. */
  async save({ farewell = false } = {}): Promise<void> {
    while (this.#running) await this.#running;
    if (!this.hasUnsaved && this.state.name === "clean") return;
    this.#running = this.#saveOnce(farewell).finally(() => (this.#running = undefined));
    await this.#running;
  }

  /** Ends a conflict in favour of what is on the screen. */
  async saveOver(): Promise<void> {
    const newest = await this.#ports.newest().catch(() => null);
    if (newest) this.#etag = newest;
    this.#enter({ name: "dirty" });
    await this.save();
  }

  /** Leaves a conflict undecided: nothing is saved by itself until somebody saves on purpose. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #saveOnce(farewell: boolean): Promise<void> {
    this.stop();
    const changes = this.#changes;
    this.#enter({ name: "saving" });
    try {
      this.#etag = await this.#ports.save(this.#ports.dxf(), this.#etag, { farewell });
      this.#saved = changes;
      this.#enter({ name: this.hasUnsaved ? "dirty" : "clean" });
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure("trouble", error instanceof Error ? error.message : String(error));
      this.#enter(failure.kind === "stale" ? { name: "conflict" } : { name: "failed", failure });
    }
    // A conflict waits for a person; whatever else failed may pass by itself.
    if (this.hasUnsaved) this.#schedule();
  }

  #schedule(): void {
    if (!this.#autosave || this.#timer !== undefined || this.state.name === "conflict") return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.save();
    }, AUTOSAVE_MS);
  }

  #enter(state: SavingState): void {
    this.state = state;
    this.#ports.changed(state);
  }
}
