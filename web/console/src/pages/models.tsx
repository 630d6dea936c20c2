/** All models of the account, as cards. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { manages, platform, type Model } from "../platform.js";
import { usePages } from "../resource.js";
import { address } from "../router.js";
import { Badge, Empty, Fetched, Field, More, Title } from "../ui.js";
import { ago, modelState } from "../words.js";

/** The server is asked when the person pauses, not at each key. */
const PAUSE_MS = 250;

/** The model's picture, or its first letter where there is none to be had. */
export function Thumbnail({ model }: { model: Model }): JSX.Element {
  const [broken, setBroken] = useState(false);
  if (model.thumbnail_url && !broken) {
    return <img src={model.thumbnail_url} alt="" loading="lazy" width="320" height="240" onError={() => setBroken(true)} />;
  }
  return (
    <span class="letter" aria-hidden="true">
      {model.title.trim().charAt(0).toUpperCase() || "?"}
    </span>
  );
}

function Card({ model }: { model: Model }): JSX.Element {
  const state = modelState(model.status);
  const domains = manages(model) ? model.accessdomains.length : undefined;
  return (
    <li class="card">
      <div class="picture">
        <Thumbnail model={model} />
      </div>
      <div class="card-words">
        <h2>
          <a href={address("models", model.slug)}>{model.title}</a>
        </h2>
        <p class="row">
          {domains !== undefined && <Badge tone={state.tone}>{state.word}</Badge>}
          <span class="fine">{domains === undefined ? "shown to you" : domains === 0 ? "no page allowed yet" : domains === 1 ? "1 domain" : `${domains} domains`}</span>
        </p>
        <p class="fine">{domains === undefined ? `made ${ago(model.created_at)}` : `changed ${ago(model.updated_at)}`}</p>
      </div>
    </li>
  );
}

/** What has been written, once the person pauses. */
function usePaused(text: string): string {
  const [paused, setPaused] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return paused;
}

export function ModelsPage(): JSX.Element {
  const [wanted, setWanted] = useState("");
  const title = usePaused(wanted.trim());
  const models = usePages(`models ${title}`, (offset) => platform.models({ deleted: false, title }, offset));
  const isEmpty = models.value?.result.length === 0 && title === "";
  return (
    <>
      <div class="page-head">
        <Title title="Models" />
        <a class="button primary push" href={address("new")}>
          New model
        </a>
      </div>
      {!isEmpty && (
        <div class="find">
          <Field label="Find by title" type="search" value={wanted} change={setWanted} />
        </div>
      )}
      <Fetched of={models}>
        {(page) =>
          page.result.length === 0 ? (
            <Empty title={title === "" ? "No models yet" : `No model has “${title}” in its title`}>
              {title === "" && (
                <>
                  <p>A model is one file that says how a thing is made and what people may change.</p>
                  <a class="button primary" href={address("new")}>
                    Upload the first one
                  </a>
                </>
              )}
            </Empty>
          ) : (
            <>
              <ul class="cards">
                {page.result.map((model) => (
                  <Card key={model.id} model={model} />
                ))}
              </ul>
              <More of={models} page={page} />
            </>
          )
        }
      </Fetched>
      <p class="fine">
        <a href={address("deleted")}>Deleted models</a>
      </p>
    </>
  );
}
