/** How viewers show a model: background, shadow, brightness, and whatever else their settings hold. */
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { geometry, type ViewerConfig } from "../geometry.js";
import { useResource } from "../resource.js";
import { address } from "../router.js";
import { Empty, Failure, Fetched, Sure, Switch, useAction } from "../ui.js";
import { looksOf, withLooks, type Looks } from "../viewer-settings.js";
import type { TabProps } from "./model.js";

/** The colour that is proposed when a background is turned on. */
const BACKGROUND = "#e8ebf0";

export function LookTab({ model }: TabProps): JSX.Element {
  const found = useResource(`viewer ${model.id}`, () => geometry.viewer(model.id));
  if (model.status !== "done") {
    return (
      <Empty title="Nothing to look at yet">
        <p>The settings count when the model’s file has been checked.</p>
      </Empty>
    );
  }
  return (
    <Fetched of={found}>
      {(config) => (
        <div class="columns">
          <LooksForm key={JSON.stringify(config)} model={model} config={config} changed={found.set} />
          <Everything key={`all ${JSON.stringify(config)}`} model={model.id} config={config} changed={found.set} />
        </div>
      )}
    </Fetched>
  );
}

interface FormProps {
  model: TabProps["model"];
  config: ViewerConfig;
  changed: (config: ViewerConfig) => void;
}

function LooksForm({ model, config, changed }: FormProps): JSX.Element {
  const [looks, setLooks] = useState<Looks>(() => looksOf(config));
  const [said, say] = useState("");
  const colour = useId();
  const bright = useId();
  const save = useAction(async () => {
    const next = withLooks(config, looks);
    await geometry.setViewer(model.id, next);
    say("Saved: pages show it when they open the model next.");
    changed(next);
  });
  const change = (part: Partial<Looks>): void => setLooks({ ...looks, ...part });
  return (
    <section class="panel" aria-labelledby="looks-heading">
      <h2 id="looks-heading">In the viewer</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save.run();
        }}
      >
        <Switch
          label="Own background"
          help="One colour behind the model. Off: the viewer’s soft stage, light or dark as the visitor has it."
          on={looks.background !== null}
          busy={false}
          change={(on) => change({ background: on ? BACKGROUND : null })}
        />
        {looks.background !== null && (
          <div class="field">
            <label for={colour}>Background</label>
            <input id={colour} type="color" value={looks.background} onInput={(event) => change({ background: event.currentTarget.value })} />
          </div>
        )}
        <Switch label="Shadow on the ground" help="The model stands on something instead of floating." on={looks.shadow} busy={false} change={(shadow) => change({ shadow })} />
        <div class="field">
          <label for={bright}>Brightness: {Math.round(looks.exposure * 100)} %</label>
          <input id={bright} type="range" min={0.5} max={2} step={0.05} value={looks.exposure} onInput={(event) => change({ exposure: event.currentTarget.valueAsNumber })} />
        </div>
        <div class="row">
          <button type="submit" class="primary" disabled={save.busy}>
            Save
          </button>
          <a href={address("models", model.slug, "preview")}>Look at it</a>
        </div>
        {save.error !== undefined && <Failure error={save.error} />}
        <p role="status" class="said">
          {said}
        </p>
      </form>
    </section>
  );
}

/** What is wrong with a text that should be settings, in words. */
function faultIn(text: string): string | undefined {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === "object" && read !== null && !Array.isArray(read)) return undefined;
    return "The settings are one JSON object, from { to }.";
  } catch (reason) {
    return `This is no JSON: ${reason instanceof Error ? reason.message : String(reason)}`;
  }
}

function Everything({ model, config, changed }: { model: string; config: ViewerConfig; changed: (config: ViewerConfig) => void }): JSX.Element {
  const [text, setText] = useState(() => JSON.stringify(config, null, 2));
  const id = useId();
  const fault = faultIn(text);
  const save = useAction(async (next: ViewerConfig) => {
    await geometry.setViewer(model, next);
    changed(next);
  });
  return (
    <section class="panel" aria-labelledby="everything-heading">
      <h2 id="everything-heading">All settings</h2>
      <p class="fine">Viewers of other makers read these settings too: cameras, lights, materials. Paste them here as JSON.</p>
      <details class="help">
        <summary>The settings as JSON</summary>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (fault === undefined) void save.run(JSON.parse(text) as ViewerConfig);
          }}
        >
          <div class="field">
            <label for={id}>Settings</label>
            <textarea
              id={id}
              rows={14}
              spellcheck={false}
              value={text}
              {...(fault ? { "aria-invalid": true, "aria-describedby": `${id}-error` } : {})}
              onInput={(event) => setText(event.currentTarget.value)}
            />
            {fault && (
              <p id={`${id}-error`} class="field-error">
                {fault}
              </p>
            )}
          </div>
          <button type="submit" disabled={save.busy || fault !== undefined}>
            Save the JSON
          </button>
        </form>
      </details>
      {save.error !== undefined && <Failure error={save.error} />}
      {Object.keys(config).length > 0 && (
        <div>
          <Sure label="Back to the viewer’s own" question="Forget all settings of this model? Viewers show it in their own way again." confirm="Forget them" run={() => save.run({})} />
        </div>
      )}
    </section>
  );
}
