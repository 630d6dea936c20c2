import { describe, expect, test, vi } from "vitest";
import { commandLines, Host, type HostPorts, isAllowed } from "../src/host.js";

const PARTNER = "https://cad.example.com";

function ports(): HostPorts {
  return {
    runCommand: vi.fn(() => Promise.resolve({ status: "done" as const })),
    setMode: vi.fn(() => Promise.resolve({ status: "done" as const })),
    setVariable: vi.fn(() => ({ status: "done" as const })),
    fileChosen: vi.fn(),
  };
}

function framed(origins: string[], around: string | null = PARTNER) {
  const posted: { message: Record<string, unknown>; target: string }[] = [];
  const parent = { postMessage: (message: Record<string, unknown>, target: string) => posted.push({ message, target }) } as unknown as Window;
  const calls = ports();
  const host = new Host({ parent, around }, origins, calls);
  const say = (data: unknown, origin = PARTNER, source: unknown = parent) => host.hear({ data, origin, source: source as Window });
  return { host, posted, calls, say };
}

describe("the partner's list", () => {
  test.each([
    ["https://cad.example.com", true],
    ["https://cad.example.com:8443", false],
    ["http://cad.example.com", false],
    ["https://evil.example", false],
    ["https://cad.example.com.evil.example", false],
    ["null", false],
  ])("an exact entry allows itself alone: %s", (origin, allowed) => {
    expect(isAllowed(origin, [PARTNER])).toBe(allowed);
  });

  test.each([
    ["http://localhost:5173", true],
    ["http://localhost", true],
    ["http://localhost.evil.example", false],
    ["http://localhost:5173.evil.example", false],
  ])("any port of localhost: %s", (origin, allowed) => {
    expect(isAllowed(origin, ["http://localhost:*"])).toBe(allowed);
  });

  test.each([
    ["https://a.example.com", true],
    ["https://a.b.example.com", false],
    ["https://example.com", false],
    ["https://axexample.com", false],
  ])("a star is exactly one label: %s", (origin, allowed) => {
    expect(isAllowed(origin, ["https://*.example.com"])).toBe(allowed);
  });
});

test("a command of the page around is split as a command line is typed", () => {
  expect(commandLines("_LINE 0,0 10,10 ")).toEqual(["LINE", "0,0", "10,10", ""]);
  expect(commandLines("_CIRCLE\n5,5\n2")).toEqual(["CIRCLE", "5,5", "2"]);
  expect(commandLines("  ")).toEqual([]);
  expect(commandLines("_ZOOM E")).toEqual(["ZOOM", "E"]);
});

describe("messages", () => {
  test("go to the page around alone, and never to a star", () => {
    const { host, posted } = framed([PARTNER, "https://other.example"]);
    host.post("drawingLoaded");
    expect(posted).toEqual([{ message: { messageName: "drawingLoaded" }, target: PARTNER }]);
  });

  test("go to nobody when the page around is not on the list", () => {
    const { host, posted } = framed([PARTNER], "https://evil.example");
    host.post("drawingLoaded");
    expect(posted).toEqual([]);
  });

  test("go to the exact entries when the browser does not tell who is around", () => {
    const { host, posted } = framed([PARTNER, "http://localhost:*"], null);
    host.post("drawingLoaded");
    expect(posted.map(({ target }) => target)).toEqual([PARTNER]);
  });

  test("of strangers, and of other windows of the partner, are not heard", async () => {
    const { say, calls } = framed([PARTNER]);
    const command = { messageName: "runcommand", commandString: "_ERASE ALL " };
    await say(command, "https://evil.example");
    await say(command, PARTNER, {});
    await say("runcommand");
    await say(null);
    expect(calls.runCommand).not.toHaveBeenCalled();
  });

  test("a command's result goes back under the name and with the id that were asked for", async () => {
    const { say, posted } = framed([PARTNER]);
    await say({ messageName: "runcommand", commandString: "_REGEN", resultMessage: "ready", messageId: "7" });
    expect(posted).toHaveLength(1);
    expect(posted[0]?.message["messageName"]).toBe("ready");
    expect(posted[0]?.message["messageId"]).toBe("7");
    expect(JSON.parse(posted[0]?.message["message"] as string)).toEqual({ status: "done", messageId: "7" });
  });

  test("Lisp and descriptions of drawings are said to be not supported", async () => {
    const { say, posted } = framed([PARTNER]);
    await say({ messageName: "runlisp", lispExpression: "(command)" });
    await say({ messageName: "drawingdescription", resultMessage: "r" });
    for (const { message } of posted) expect(JSON.parse(message["message"] as string).reason).toMatch(/not supported/);
    expect(posted).toHaveLength(2);
  });

  test("an overlong command is refused and never run", async () => {
    const { say, posted, calls } = framed([PARTNER]);
    await say({ messageName: "runcommand", commandString: "x".repeat(4_097), resultMessage: "r" });
    expect(calls.runCommand).not.toHaveBeenCalled();
    expect(JSON.parse(posted[0]?.message["message"] as string).status).toBe("refused");
  });

  test("events come only while their class is registered", async () => {
    const { host, say, posted } = framed([PARTNER]);
    host.event("commandEvent", "commandWillStart", [{ "command name": "LINE" }]);
    await say({ messageName: "eventRegister", eventName: "commandEvent" });
    host.event("commandEvent", "commandEnded", [{ "command name": "LINE" }]);
    await say({ messageName: "eventDeRegister", eventName: "commandEvent" });
    host.event("commandEvent", "commandEnded", [{ "command name": "ARC" }]);
    expect(posted.map(({ message }) => message)).toEqual([
      { messageName: "commandEvent", message: '{"data":[{"command name":"LINE"}],"eventType":"commandEnded"}' },
    ]);
  });

  test("the mode is view or edit and nothing else", async () => {
    const { say, calls, posted } = framed([PARTNER]);
    await say({ messageName: "stateChanged", state: "admin", resultMessage: "r" });
    await say({ messageName: "stateChanged", state: "edit" });
    expect(calls.setMode).toHaveBeenCalledExactlyOnceWith("edit");
    expect(JSON.parse(posted[0]?.message["message"] as string).status).toBe("refused");
  });

  test("the answer to a file dialog names a file", async () => {
    const { host, say, calls, posted } = framed([PARTNER]);
    host.chooseFile("XATTACH", "drawing", ["dwg", "dxf"]);
    expect(posted[0]?.message).toMatchObject({ messageName: "showChooseDialog", attachmentType: "drawing", commandType: "XATTACH" });
    await say({ messageName: "XATTACH", message: JSON.stringify({ id: "1", name: "test.dwg" }) });
    await say({ messageName: "XATTACH", message: "{" });
    expect(calls.fileChosen).toHaveBeenCalledExactlyOnceWith("XATTACH", { name: "test.dwg" });
  });
});
