/** Name and switches of a model. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type ModelChange } from "../platform.js";
import { Failure, Field, Switch, useAction } from "../ui.js";
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
