/** All models of the account, as cards. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type Model, type Page } from "../platform.js";
import { useResource } from "../resource.js";
import { address } from "../router.js";
import { Badge, Empty, Failure, Fetched, Title, useAction } from "../ui.js";
import { ago, modelState } from "../words.js";

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
  const domains = model.accessdomains.length;
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
          <Badge tone={state.tone}>{state.word}</Badge>
          <span class="fine">{domains === 0 ? "no page allowed yet" : domains === 1 ? "1 domain" : `${domains} domains`}</span>
        </p>
        <p class="fine">changed {ago(model.updated_at)}</p>
      </div>
    </li>
  );
}

export function ModelsPage(): JSX.Element {
  const models = useResource<Page<Model>>("models", () => platform.models(null));
  const more = useAction(async (known: Page<Model>) => {
    const next = await platform.models(known.pagination.next_offset);
    models.set({ ...next, result: [...known.result, ...next.result] });
  });
  return (
    <>
      <div class="page-head">
        <Title title="Models" />
      </div>
      <Fetched of={models}>
        {(page) =>
          page.result.length === 0 ? (
            <Empty title="No models yet">
              <p>A model is a JSCAD script with parameters. Push one from a command line on the server:</p>
              <pre tabIndex={0} role="region" aria-label="Command">
                <code>vitrine model push shelf.js --title "Shelf"</code>
              </pre>
            </Empty>
          ) : (
            <>
              <ul class="cards">
                {page.result.map((model) => (
                  <Card key={model.id} model={model} />
                ))}
              </ul>
              {more.error !== undefined && <Failure error={more.error} />}
              {page.pagination.next_offset !== null && (
                <button type="button" disabled={more.busy} onClick={() => void more.run(page)}>
                  Show more
                </button>
              )}
            </>
          )
        }
      </Fetched>
    </>
  );
}
