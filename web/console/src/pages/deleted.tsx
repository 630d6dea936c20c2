/** Models that were deleted, and the way back. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type Model } from "../platform.js";
import { usePages } from "../resource.js";
import { address } from "../router.js";
import { Empty, Failure, Fetched, More, Title, useAction } from "../ui.js";
import { instant } from "../words.js";

export function DeletedPage(): JSX.Element {
  const models = usePages("deleted models", (offset) => platform.models({ deleted: true, title: "" }, offset));
  const [said, say] = useState("");
  const restore = useAction(async (model: Model) => {
    await platform.restoreModel(model.id);
    say(`${model.title} is back. Its pages show it again.`);
    await models.reload();
  });
  return (
    <>
      <nav aria-label="Where you are" class="crumbs">
        <a href={address("models")}>Models</a>
      </nav>
      <Title title="Deleted models" />
      <section class="panel" aria-label="Deleted models">
        <p class="fine">Nobody can open them. One that you restore has its domains, tickets and numbers as before.</p>
        <p role="status" class="said">
          {said}
        </p>
        {restore.error !== undefined && <Failure error={restore.error} />}
        <Fetched of={models}>
          {(page) =>
            page.result.length === 0 ? (
              <Empty title="No deleted models" />
            ) : (
              <>
                <ul class="lines">
                  {page.result.map((model) => (
                    <li key={model.id}>
                      <div>
                        <p>
                          <strong>{model.title}</strong>
                        </p>
                        <p class="fine">
                          <code>{model.slug}</code>
                          {model.deleted_at !== null && <>, deleted {instant(model.deleted_at)}</>}
                          {model.message && <>, its file was refused</>}
                        </p>
                      </div>
                      <button type="button" aria-label={`Restore ${model.title}`} disabled={restore.busy} onClick={() => void restore.run(model)}>
                        Restore
                      </button>
                    </li>
                  ))}
                </ul>
                <More of={models} page={page} />
              </>
            )
          }
        </Fetched>
      </section>
    </>
  );
}
