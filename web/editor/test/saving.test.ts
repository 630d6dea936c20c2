import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Failure } from "../src/api.js";
import { AUTOSAVE_MS } from "../src/limits.js";
import { Saver, type SavingPorts, type SavingState } from "../src/saving.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp({ autosave = true, save = (): Promise<string> => Promise.resolve('"2"') } = {}) {
  const states: SavingState["name"][] = [];
  const saves = vi.fn<SavingPorts["save"]>(save);
  const saver = new Saver(
    { dxf: () => "0\nEOF", save: saves, newest: () => Promise.resolve('"9"'), changed: (state) => states.push(state.name) },
    '"1"',
    { autosave },
  );
  return { saver, saves, states };
}

test("a change is saved by itself after a while, with the version that was opened", async () => {
  const { saver, saves, states } = setUp();
  saver.touch();
  saver.touch();
  await vi.advanceTimersByTimeAsync(AUTOSAVE_MS - 1);
  expect(saves).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(saves).toHaveBeenCalledExactlyOnceWith("0\nEOF", '"1"', { farewell: false });
  expect(states).toEqual(["dirty", "saving", "clean"]);
  expect(saver.hasUnsaved).toBe(false);
});

test("nothing is saved by itself where that is switched off", async () => {
  const { saver, saves } = setUp({ autosave: false });
  saver.touch();
  await vi.advanceTimersByTimeAsync(10 * AUTOSAVE_MS);
  expect(saves).not.toHaveBeenCalled();
  await saver.save();
  expect(saves).toHaveBeenCalledTimes(1);
});

test("what was not changed is not saved", async () => {
  const { saver, saves } = setUp();
  await saver.save();
  expect(saves).not.toHaveBeenCalled();
});

test("a change during a save is not taken for saved, and the next save names the new version", async () => {
  let finish = (_etag: string) => {};
  const { saver, saves } = setUp({ save: () => new Promise((resolve) => (finish = resolve)) });
  saver.touch();
  const first = saver.save();
  saver.touch();
  finish('"2"');
  await first;
  expect(saver.hasUnsaved).toBe(true);
  const second = saver.save();
  await vi.advanceTimersByTimeAsync(0);
  finish('"3"');
  await second;
  expect(saves.mock.calls.map(([, etag]) => etag)).toEqual(['"1"', '"2"']);
  expect(saver.hasUnsaved).toBe(false);
});

test("a conflict waits for a person and overwrites only on purpose", async () => {
  const answers = [() => Promise.reject(new Failure("stale", "stale", { status: 409 })), () => Promise.resolve('"10"')];
  const { saver, saves, states } = setUp({ save: () => (answers.shift() ?? answers[0]!)() });
  saver.touch();
  await saver.save();
  expect(saver.state.name).toBe("conflict");
  saver.touch();
  await vi.advanceTimersByTimeAsync(10 * AUTOSAVE_MS);
  expect(saves).toHaveBeenCalledTimes(1);
  await saver.saveOver();
  expect(saves).toHaveBeenLastCalledWith("0\nEOF", '"9"', { farewell: false });
  expect(states.at(-1)).toBe("clean");
});

test("what failed is tried again, and nothing is lost meanwhile", async () => {
  const answers = [() => Promise.reject(new Failure("unreachable", "no line")), () => Promise.resolve('"2"')];
  const { saver, saves } = setUp({ save: () => (answers.shift() ?? answers[0]!)() });
  saver.touch();
  await saver.save();
  expect(saver.state.name).toBe("failed");
  expect(saver.hasUnsaved).toBe(true);
  await vi.advanceTimersByTimeAsync(AUTOSAVE_MS);
  expect(saves).toHaveBeenCalledTimes(2);
  expect(saver.hasUnsaved).toBe(false);
});
