/** The right to edit: kept by a beat, given back at the end, asked for again when somebody else has it. */
import { type Api, Failure, type Lease } from "./api.js";
import { LEASE_BEAT_MS } from "./limits.js";

export interface LeaseListener {
  /** The lease was got or lost, or its holder changed. */
  leaseChanged(lease: Lease, was: Lease): void;
  /** The session ended on the server. */
  sessionEnded(failure: Failure): void;
  connection(isThere: boolean): void;
}

export class LeaseKeeper {
  lease: Lease;
  /** Whether the page wants to edit; without the wish it only watches who does. */
  wanted: boolean;
  readonly #api: Pick<Api, "lease" | "giveLeaseBack" | "state">;
  readonly #listener: LeaseListener;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isConnected = true;

  constructor(api: Pick<Api, "lease" | "giveLeaseBack" | "state">, listener: LeaseListener, lease: Lease, wanted: boolean) {
    this.#api = api;
    this.#listener = listener;
    this.lease = lease;
    this.wanted = wanted;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.beat(), LEASE_BEAT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One look at the server: takes or keeps the lease when editing is wanted, else reads who holds it. */
  async beat(): Promise<Lease> {
    try {
      const lease = this.wanted ? await this.#api.lease() : (await this.#api.state()).lease;
      this.#connected(true);
      this.#set(lease);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.kind === "gone") {
        this.stop();
        this.#listener.sessionEnded(error);
      } else if (error.kind === "unreachable") {
        this.#connected(false);
      }
    }
    return this.lease;
  }

  async giveBack(): Promise<void> {
    this.wanted = false;
    if (!this.lease.held) return;
    await this.#api.giveLeaseBack().catch(() => undefined);
    this.#set({ ...this.lease, held: false, by: null });
  }

  #set(lease: Lease): void {
    const was = this.lease;
    this.lease = lease;
    if (was.held !== lease.held || was.by !== lease.by) this.#listener.leaseChanged(lease, was);
  }

  #connected(isThere: boolean): void {
    if (this.#isConnected === isThere) return;
    this.#isConnected = isThere;
    this.#listener.connection(isThere);
  }
}
