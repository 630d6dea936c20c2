/** Name and switches of a model. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type ModelChange } from "../platform.js";
import { Failure, Field, Select, Switch, useAction } from "../ui.js";
import { day, instant } from "../words.js";
import { DeletePanel, VersionsPanel } from "./model-life.js";
import type { TabProps } from "./model.js";

export function SettingsTab({ model, changed }: TabProps): JSX.Element {
  const [title, setTitle] = useState(model.title);
  const [said, say] = useState("");
  const save = useAction(async (change: ModelChange, words: string) => {
    say("");
    changed(await platform.change(model.id, change));
    say(words);
  });
  const rename = (event: Event): void => {
    event.preventDefault();
    void save.run({ title: title.trim() }, "The name is saved.");
  };
  return (
    <div class="columns">
      <section class="panel" aria-labelledby="settings-name">
        <h2 id="settings-name">Name</h2>
        <form onSubmit={rename}>
          <Field
            label="Title"
            help="Visitors read it above the model, and you in your list."
            value={title}
            change={setTitle}
            required
          />
          <button type="submit" class="primary" disabled={save.busy || title.trim() === model.title}>
            Save the name
          </button>
        </form>
        <dl class="facts">
          <div>
            <dt>Id</dt>
            <dd>
              <code>{model.id}</code>
            </dd>
          </div>
          <div>
            <dt>Short name</dt>
            <dd>
              <code>{model.slug}</code>
            </dd>
          </div>
          <div>
            <dt>Made</dt>
            <dd>{day(model.created_at)}</dd>
          </div>
          <div>
            <dt>Changed</dt>
            <dd>{instant(model.updated_at)}</dd>
          </div>
        </dl>
      </section>
      <section class="panel" aria-labelledby="settings-ways">
        <h2 id="settings-ways">Who may open it, and how</h2>
        <Switch
          label="Pages may show it directly"
          help="By the viewer element or an SDK on the page itself. Off: only inside our iframe."
          on={model.allow_direct_embedding}
          busy={save.busy}
          change={(on) => void save.run({ allow_direct_embedding: on }, on ? "Pages may show it directly." : "Only our iframe shows it now.")}
        />
        <Switch
          label="Back ends may compute"
          help="Back-end tickets open sessions without a page. They ask for no domain: keep them on your servers."
          on={model.backend_access}
          busy={save.busy}
          change={(on) => void save.run({ backendaccess: on }, on ? "Back-end tickets are accepted." : "Back-end tickets are refused now.")}
        />
        <Switch
          label="Strong authorization"
          help="Each request needs an access token beside the ticket. Your own server gives it to those who may see the model."
          on={model.require_token}
          busy={save.busy}
          change={(on) => void save.run({ require_token: on }, on ? "A token is needed from now on." : "The ticket is enough again.")}
        />
        <Switch
          label="Domains of the account count too"
          help="Pages of the domains that you or your organization allow for all models may show this one, beside those of its own list."
          on={model.use_global_accessdomains}
          busy={save.busy}
          change={(on) => void save.run({ use_global_accessdomains: on }, on ? "Domains of the account count for this model." : "Only the model’s own domains count now.")}
        />
        <Select
          label="Who sees it on this server"
          help="In lists, by its short name, and for sessions by a token. Pages are another matter: they need an allowed domain and a ticket."
          options={[
            ["private", "only you, and managers of your organization"],
            ["organization", "everybody in your organization"],
            ["public", "everybody"],
          ]}
          value={model.visibility}
          busy={save.busy}
          change={(visibility) => void save.run({ visibility }, "Saved.")}
        />
        <Ways />
      </section>
      <VersionsPanel model={model} />
      <DeletePanel model={model} />
      <div class="wide">
        {save.error !== undefined && <Failure error={save.error} />}
        <p role="status" class="said">
          {said}
        </p>
      </div>
    </div>
  );
}

const WAYS: [string, string, string][] = [
  ["The element", "a page on an allowed domain, with an embedding ticket", "The page draws the model itself. Needs “Pages may show it directly”."],
  ["Our iframe", "a page on an allowed domain that frames /embed/…", "The page never sees the ticket. Works with and without the switch."],
  ["A back end", "a program with a back-end ticket", "Asks for no domain. Needs “Back ends may compute”."],
  ["A token alone", "a program or page with an access token", "Your server asks for it with an access key. Each token names what it permits and ends by itself."],
];

/** The ways in, side by side, and what strong authorization adds. */
function Ways(): JSX.Element {
  return (
    <details class="help">
      <summary>The ways in, explained</summary>
      <dl class="facts ways">
        {WAYS.map(([way, who, what]) => (
          <div key={way}>
            <dt>{way}</dt>
            <dd>
              {who}. <span class="fine">{what}</span>
            </dd>
          </div>
        ))}
        <div>
          <dt>Strong authorization</dt>
          <dd>
            adds an access token to each of these. <span class="fine">A ticket stands in a page and can be read by whoever opens it; a token is given by your server, to whom you choose, for minutes.</span>
          </dd>
        </div>
      </dl>
    </details>
  );
}
