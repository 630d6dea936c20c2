/** One model: its tabs. */
import type { JSX } from "preact";
import { manages, platform, type Model } from "../platform.js";
import { useEvery, useResource, type Resource } from "../resource.js";
import { address } from "../router.js";
import { Badge, Fetched, LinkRow, Title } from "../ui.js";
import { modelState } from "../words.js";
import { ControlsTab } from "./model-controls.js";
import { EmbedTab } from "./model-embed.js";
import { LookTab } from "./model-look.js";
import { PagesTab } from "./model-pages.js";
import { PreviewTab } from "./model-preview.js";
import { SessionsTab } from "./model-sessions.js";
import { SettingsTab } from "./model-settings.js";
import { SharingTab } from "./model-sharing.js";
import { TrailTab } from "./model-trail.js";
import { UsageTab } from "./model-usage.js";

/** What each tab gets: the model, by which name it was come to, and a way to put a changed one in its place. */
export interface TabProps {
  model: Model;
  /** Id, short name, or what stands in a link by which the model is shared: then it is the right to see it. */
  by: string;
  changed: (model: Model) => void;
}

const TABS: { id: string; label: string; Tab: (props: TabProps) => JSX.Element }[] = [
  { id: "preview", label: "Preview", Tab: PreviewTab },
  { id: "pages", label: "Allowed pages", Tab: PagesTab },
  { id: "embed", label: "Embed", Tab: EmbedTab },
  { id: "controls", label: "Controls", Tab: ControlsTab },
  { id: "look", label: "Look", Tab: LookTab },
  { id: "settings", label: "Settings", Tab: SettingsTab },
  { id: "sharing", label: "Sharing", Tab: SharingTab },
  { id: "usage", label: "Usage", Tab: UsageTab },
  { id: "sessions", label: "Live sessions", Tab: SessionsTab },
  { id: "trail", label: "Refusals", Tab: TrailTab },
];

/** How often a model is looked at while its file is checked. */
const CHECK_MS = 2000;

function Tabs({ tabs, model, current }: { tabs: typeof TABS; model: string; current: string }): JSX.Element {
  return (
    <LinkRow label="About this model" class="tabs" current={current}>
      {tabs.map(({ id, label }) => (
        <a key={id} href={address("models", model, id)} {...(id === current ? { "aria-current": "page" } : {})}>
          {label}
        </a>
      ))}
    </LinkRow>
  );
}

export function ModelPage({ model: key, tab }: { model: string; tab: string }): JSX.Element {
  const found: Resource<Model> = useResource(key, () => platform.model(key));
  const status = found.value?.status;
  useEvery(CHECK_MS, status === "waiting" || status === "pending", found.reload);
  const isManaged = found.value === undefined || manages(found.value);
  const tabs = isManaged ? TABS : TABS.slice(0, 1);
  const current = tabs.find(({ id }) => id === tab) ?? tabs[0];
  return (
    <>
      <nav aria-label="Where you are" class="crumbs">
        <a href={address("models")}>Models</a>
      </nav>
      <Fetched of={found} rows={4}>
        {(model) => (
          <>
            <div class="page-head">
              <Title title={model.title} />
              {isManaged && <Badge tone={modelState(model.status).tone}>{modelState(model.status).word}</Badge>}
            </div>
            <Tabs tabs={tabs} model={key} current={current?.id ?? ""} />
            {current && <current.Tab model={model} by={key} changed={found.set} />}
          </>
        )}
      </Fetched>
    </>
  );
}
