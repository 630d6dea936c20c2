/** The demo partner's page: asks its own back end for a token, shows the editor in a frame, and talks to it. */
import "./partner.css";

interface Config {
  /** Where the editor stands; the token is all that is added. */
  editor_url: string;
  drawings: { id: string; title: string }[];
  users: { id: string; name: string }[];
}

interface FromEditor {
  messageName: string;
  message?: string;
}

/** As many messages as a person reads back. */
const LOG_LINES_MAX = 60;

const EVENTS = ["commandEvent", "drawingModifiedEvent"] as const;

function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element “${id}”.`);
  return found as T;
}

function option(value: string, words: string): HTMLOptionElement {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = words;
  return made;
}

class Desk {
  readonly #config: Config;
  readonly #editorOrigin: string;
  readonly #frame = byId<HTMLIFrameElement>("cadcontent");
  readonly #state = byId("state");
  readonly #mode = byId<HTMLButtonElement>("mode");
  #isEditing = false;
  #lastId = 0;

  constructor(config: Config) {
    this.#config = config;
    this.#editorOrigin = new URL(config.editor_url).origin;
    byId("drawing").replaceChildren(...config.drawings.map(({ id, title }) => option(id, title)));
    byId("drawing-choice").hidden = config.drawings.length < 2;
    byId("user").replaceChildren(...config.users.map(({ id, name }) => option(id, name)));
    this.#listen();
  }

  /** A new token for what is chosen now; the old frame goes away with its session. */
  async open(): Promise<void> {
    const drawing = this.#config.drawings.find(({ id }) => id === this.#chosen("drawing")) ?? this.#config.drawings[0];
    if (!drawing) throw new Error("There are no plans yet.");
    byId("plan-heading").textContent = drawing.title;
    document.title = `${drawing.title} – Kontor Plan`;
    this.#show("Opening …");
    const wish = {
      drawing: drawing.id,
      user: this.#chosen("user"),
      access: this.#access(),
      locale: this.#chosen("locale"),
      whitebackground: byId<HTMLInputElement>("white").checked,
    };
    const answer = await fetch("token", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(wish),
    });
    if (!answer.ok) throw new Error(`Our back end got no token (status ${answer.status}).`);
    const { token } = (await answer.json()) as { token: string };
    this.#frame.src = `${this.#config.editor_url}?apitoken=${encodeURIComponent(token)}`;
    this.#setEditing(false);
  }

  #chosen(id: string): string {
    return byId<HTMLSelectElement>(id).value;
  }

  #access(): string {
    return document.querySelector<HTMLInputElement>("input[name=access]:checked")?.value ?? "view";
  }

  #listen(): void {
    addEventListener("message", (event) => this.#hear(event));
    for (const control of document.querySelectorAll(".choices select, .choices input, #user")) {
      control.addEventListener("change", () => void this.open().catch(fail));
    }
    for (const button of document.querySelectorAll<HTMLButtonElement>("[data-command]")) {
      button.addEventListener("click", () => {
        this.#send({ messageName: "runcommand", commandString: button.dataset["command"], resultMessage: "commandResult", messageId: this.#nextId() });
      });
    }
    this.#mode.addEventListener("click", () => {
      const state = this.#isEditing ? "view" : "edit";
      this.#send({ messageName: "stateChanged", state, resultMessage: "modeResult", messageId: state });
    });
  }

  #nextId(): string {
    this.#lastId += 1;
    return String(this.#lastId);
  }

  /** To the editor and to nobody else. */
  #send(message: Record<string, unknown>): void {
    this.#frame.contentWindow?.postMessage(message, this.#editorOrigin);
    this.#log("→", message["messageName"] as string, JSON.stringify(message));
  }

  #hear(event: MessageEvent<FromEditor>): void {
    if (event.origin !== this.#editorOrigin || event.source !== this.#frame.contentWindow) return;
    const { messageName, message } = event.data;
    this.#log("←", messageName, message ?? "");
    const content = message ? (JSON.parse(message) as Record<string, unknown>) : {};
    switch (messageName) {
      case "drawingLoaded":
        for (const eventName of EVENTS) this.#send({ messageName: "eventRegister", eventName });
        return this.#show("The plan is open.");
      case "stateChanged":
        return this.#setEditing(content["state"] === "edit");
      case "connectionLost":
        return this.#show("The editor lost its connection.");
      case "drawingModifiedEvent":
        return this.#show(content["eventType"] === "drawingSaved" ? "All changes are saved." : "There are changes that are not saved yet.");
      case "commandResult":
        if (content["status"] !== "done") this.#show(String(content["reason"] ?? "That did not work."));
        return;
      case "modeResult":
        if (content["status"] !== "done") return this.#show(String(content["reason"] ?? "That did not work."));
        return this.#show(this.#isEditing ? "You can draw now." : "The plan is open for viewing.");
    }
  }

  #setEditing(isEditing: boolean): void {
    this.#isEditing = isEditing;
    this.#mode.textContent = isEditing ? "Stop editing" : "Edit";
    this.#mode.disabled = this.#access() !== "edit";
    for (const button of document.querySelectorAll<HTMLButtonElement>("[data-edits]")) button.disabled = !isEditing;
  }

  #show(words: string): void {
    this.#state.textContent = words;
  }

  #log(arrow: string, name: string, content: string): void {
    const line = document.createElement("li");
    const strong = document.createElement("strong");
    strong.textContent = `${arrow} ${name} `;
    line.append(strong, content);
    const log = byId("log");
    log.prepend(line);
    while (log.childElementCount > LOG_LINES_MAX) log.lastElementChild?.remove();
  }
}

function snippet(config: Config): string {
  return [
    "# on the back end, with the key",
    `curl -X POST ${new URL("/generate", "https://vitrine.example")} -H "x-api-key: $PARTNER_KEY" \\`,
    `  -H "content-type: application/json" -d '{"file": "…", "userId": "…", "access": "edit"}'`,
    "",
    "<!-- in the page -->",
    `<iframe id="cadcontent" src="${config.editor_url}?apitoken=…"></iframe>`,
    "",
    `cadcontent.contentWindow.postMessage(`,
    `  { messageName: "runcommand", commandString: "_LINE 0,0 10,10 " },`,
    `  "${new URL(config.editor_url).origin}");`,
  ].join("\n");
}

function fail(error: unknown): void {
  console.error(error);
  const failure = byId("failure");
  failure.textContent = `The plan could not be opened. ${error instanceof Error ? error.message : ""}`;
  failure.hidden = false;
}

async function main(): Promise<void> {
  const answer = await fetch("config.json");
  if (!answer.ok) throw new Error(`There is no config.json (status ${answer.status}).`);
  const config = (await answer.json()) as Config;
  byId("snippet").textContent = snippet(config);
  await new Desk(config).open();
}

main().catch(fail);
