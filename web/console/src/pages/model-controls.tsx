/** What visitors see beside a model: names, groups, order, and what is hidden. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { changesOf, defaultsOf, draftsOf, moved, type Draft } from "../controls.js";
import { geometry, type Definition, type Kind } from "../geometry.js";
import { useResource } from "../resource.js";
import { Empty, Failure, Fetched, Field, Switch, useAction } from "../ui.js";
import { DefaultValue } from "./default-value.js";
import type { TabProps } from "./model.js";

export function ControlsTab({ model }: TabProps): JSX.Element {
  const found = useResource(`controls ${model.id}`, () => geometry.model(model.id));
  if (model.status !== "done") {
    return (
      <Empty title="No controls yet">
        <p>They come from the model's file when it has been checked.</p>
      </Empty>
    );
  }
  return (
    <Fetched of={found}>
      {(value) => (
        <div class="columns">
          <Controls
            key={JSON.stringify(value.parameters)}
            model={model.id}
            kind="parameter"
            title="Parameters"
            definitions={value.parameters ?? {}}
            reload={found.reload}
          />
          <Controls
            key={JSON.stringify(value.outputs)}
            model={model.id}
            kind="output"
            title="Outputs"
            definitions={value.outputs ?? {}}
            reload={found.reload}
          />
          <Controls
            key={JSON.stringify(value.exports)}
            model={model.id}
            kind="export"
            title="Downloads"
            definitions={value.exports ?? {}}
            reload={found.reload}
          />
        </div>
      )}
    </Fetched>
  );
}

interface ControlsProps {
  model: string;
  kind: Kind;
  title: string;
  definitions: Record<string, Definition>;
  reload: () => Promise<void>;
}

function Controls({ model, kind, title, definitions, reload }: ControlsProps): JSX.Element {
  const [drafts, setDrafts] = useState(() => draftsOf(definitions));
  const [said, say] = useState("");
  const list = useRef<HTMLOListElement>(null);
  const changes = changesOf(drafts, definitions);
  const defaults = defaultsOf(drafts, definitions);
  const has = (some: object): boolean => Object.keys(some).length > 0;
  const isChanged = has(changes) || has(defaults);
  const save = useAction(async () => {
    if (has(changes)) await geometry.present(model, kind, changes);
    if (has(defaults)) await geometry.setDefaults(model, defaults);
    await reload();
  });
  const change = (index: number, part: Partial<Draft>): void => setDrafts(drafts.map((draft, at) => (at === index ? { ...draft, ...part } : draft)));
  const move = (index: number, by: number): void => {
    const id = drafts[index]?.id ?? "";
    const next = moved(drafts, index, by);
    setDrafts(next);
    say(`${nameOf(drafts[index])} is number ${next.findIndex((draft) => draft.id === id) + 1} of ${next.length}.`);
  };
  const groups = [...new Set(drafts.map(({ group }) => group).filter(Boolean))];
  return (
    <section class="panel" aria-labelledby={`${kind}-heading`}>
      <div class="page-head">
        <h2 id={`${kind}-heading`}>{title}</h2>
        <button type="button" class="primary" disabled={!isChanged || save.busy} onClick={() => void save.run()}>
          {save.busy ? "Saving …" : `Save ${title.toLowerCase()}`}
        </button>
      </div>
      {save.error !== undefined && <Failure error={save.error} />}
      <p class="fine">{WHAT[kind]}</p>
      <p role="status" class="said">
        {said}
      </p>
      {drafts.length === 0 ? (
        <Empty title={`The model has no ${title.toLowerCase()}`} />
      ) : (
        <ol class="controls" ref={list}>
          {drafts.map((draft, index) => (
            <Control
              key={draft.id}
              draft={draft}
              definition={definitions[draft.id]}
              kind={kind}
              groups={`${kind}-groups`}
              first={index === 0}
              last={index === drafts.length - 1}
              change={(part) => change(index, part)}
              move={(by) => move(index, by)}
            />
          ))}
        </ol>
      )}
      <datalist id={`${kind}-groups`}>
        {groups.map((group) => (
          <option key={group} value={group} />
        ))}
      </datalist>
    </section>
  );
}

const WHAT: Record<Kind, string> = {
  parameter: "What visitors may change: its name, its place, and the value with which every page opens.",
  output: "What a computation gives: shapes that are drawn, and numbers that are shown beside them.",
  export: "Files that visitors may download. The first one is the main download.",
};

const HIDDEN: Record<Kind, string> = {
  parameter: "Pages leave it out. It keeps its default value, and programs can still set it.",
  output: "Pages leave its name out. Programs still get it.",
  export: "Pages offer no button for it. Programs can still ask for it.",
};

const nameOf = (draft: Draft | undefined): string => draft?.label || draft?.name || "";

interface ControlProps {
  draft: Draft;
  definition: Definition | undefined;
  kind: Kind;
  groups: string;
  first: boolean;
  last: boolean;
  change: (part: Partial<Draft>) => void;
  move: (by: number) => void;
}

function Control({ draft, definition, kind, groups, first, last, change, move }: ControlProps): JSX.Element {
  const name = nameOf(draft);
  return (
    <li>
      <details>
        <summary>
          <span class="control-name">{name}</span>
          <span class="fine">{[draft.type, draft.group, draft.hidden ? "hidden" : ""].filter(Boolean).join(" · ")}</span>
        </summary>
        <div class="control-fields">
          <p class="fine">
            In the script: <code>{draft.name}</code>
          </p>
          <Field label="Name to show" value={draft.label} placeholder={draft.name} change={(label) => change({ label })} />
          {definition && draft.value !== undefined && <DefaultValue definition={definition} value={draft.value} change={(value) => change({ value })} />}
          <Field label="Group" list={groups} value={draft.group} change={(group) => change({ group })} />
          <Field label="Explanation" value={draft.tooltip} change={(tooltip) => change({ tooltip })} />
          <Switch
            label="Hidden"
            help={HIDDEN[kind]}
            on={draft.hidden}
            busy={false}
            change={(hidden) => change({ hidden })}
          />
        </div>
      </details>
      <div class="row">
        <button type="button" class="small" aria-label={`Move ${name} up`} disabled={first} onClick={() => move(-1)}>
          ↑
        </button>
        <button type="button" class="small" aria-label={`Move ${name} down`} disabled={last} onClick={() => move(1)}>
          ↓
        </button>
      </div>
    </li>
  );
}
