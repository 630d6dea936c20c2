import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type EditorState, Failure, type Lease } from "../src/api.js";
import { LeaseKeeper, type LeaseListener } from "../src/lease.js";
import { LEASE_BEAT_MS } from "../src/limits.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const HELD: Lease = { held: true, by: null, seconds: 60 };
const TAKEN: Lease = { held: false, by: "Grace", seconds: 40 };

function setUp(answer: () => Promise<Lease>, { wanted = true, first = HELD } = {}) {
  const listener = { leaseChanged: vi.fn(), sessionEnded: vi.fn(), connection: vi.fn() } satisfies LeaseListener;
  const api = {
    lease: vi.fn(answer),
    giveLeaseBack: vi.fn(() => Promise.resolve()),
    state: vi.fn(async () => ({ lease: await answer() }) as EditorState),
  };
  const keeper = new LeaseKeeper(api, listener, first, wanted);
  return { api, keeper, listener };
}

test("the lease is kept by a beat until the keeper stops", async () => {
  const { api, keeper } = setUp(() => Promise.resolve(HELD));
  keeper.start();
  await vi.advanceTimersByTimeAsync(3 * LEASE_BEAT_MS);
  expect(api.lease).toHaveBeenCalledTimes(3);
  keeper.stop();
  await vi.advanceTimersByTimeAsync(3 * LEASE_BEAT_MS);
  expect(api.lease).toHaveBeenCalledTimes(3);
});

test("who only watches never takes the lease", async () => {
  const { api, keeper, listener } = setUp(() => Promise.resolve({ held: false, by: null, seconds: 0 }), { wanted: false, first: TAKEN });
  keeper.start();
  await vi.advanceTimersByTimeAsync(LEASE_BEAT_MS);
  expect(api.lease).not.toHaveBeenCalled();
  expect(listener.leaseChanged).toHaveBeenCalledTimes(1);
});

test("losing the lease is told once", async () => {
  const { keeper, listener } = setUp(() => Promise.resolve(TAKEN));
  await keeper.beat();
  await keeper.beat();
  expect(listener.leaseChanged).toHaveBeenCalledExactlyOnceWith(TAKEN, HELD);
});

test("a lost connection and its return are told once each", async () => {
  let isThere = false;
  const { keeper, listener } = setUp(() => (isThere ? Promise.resolve(HELD) : Promise.reject(new Failure("unreachable", "no line"))));
  await keeper.beat();
  await keeper.beat();
  isThere = true;
  await keeper.beat();
  expect(listener.connection.mock.calls).toEqual([[false], [true]]);
});

test("a session that is gone ends the beat", async () => {
  const { api, keeper, listener } = setUp(() => Promise.reject(new Failure("gone", "gone", { status: 410 })));
  keeper.start();
  await vi.advanceTimersByTimeAsync(3 * LEASE_BEAT_MS);
  expect(api.lease).toHaveBeenCalledTimes(1);
  expect(listener.sessionEnded).toHaveBeenCalledTimes(1);
});
