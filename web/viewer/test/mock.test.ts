// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Session } from "../src/client.js";
// @ts-expect-error -- a plain script for working on the pages, without types
import { startMock } from "./mock-server.mjs";

interface Mock {
  url: string;
  delayMs: number;
  sessions: Map<string, unknown>;
  stop: () => Promise<void>;
}

let mock: Mock;

beforeEach(async () => {
  mock = (await startMock(0)) as Mock;
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

afterEach(() => mock.stop());

test("the client speaks real HTTP: compute, recover, download, close", async () => {
  mock.delayMs = 5;
  const session = await Session.open({ ticket: "ab-cd", modelViewUrl: mock.url, sleep: async () => undefined });
  await session.settle();
  const before = session.outputs[0]?.version;
  await session.customize({ "Width (cm)": 60, Feet: "Brass" });
  const [model] = session.outputs;
  expect(model?.version).not.toBe(before);
  mock.sessions.clear();
  const glb = await session.asset(model as NonNullable<typeof model>, 0);
  expect(new TextDecoder().decode(glb.slice(0, 4))).toBe("glTF");
  expect(new DataView(glb).getUint32(8, true)).toBe(glb.byteLength);
  expect((await session.export("STL")).filename).toBe("Oak shelf.stl");
  await session.close();
  expect(mock.sessions.size).toBe(0);
});
