/** The versions of a model, and its end. */
import type { JSX } from "preact";
import { platform, type Model, type Version } from "../platform.js";
import { useResource } from "../resource.js";
import { address, go } from "../router.js";
import { Fetched, Sure } from "../ui.js";
import { day } from "../words.js";

export function VersionsPanel({ model }: { model: Model }): JSX.Element {
  const versions = useResource(`versions ${model.id}`, () => platform.versions(model.id));
  return (
    <section class="panel" aria-labelledby="versions-heading">
      <h2 id="versions-heading">Versions</h2>
      <p class="fine">A model never changes its file, so that what pages show stays what you tested. Another file is a new version: a model of its own that begins with the settings of this one.</p>
      <Fetched of={versions} rows={1}>
        {(value) => (
          <ul class="lines">
            {[...(value.successor_models ?? [])].map((one) => (
              <Line key={one.id} version={one} what="newer" />
            ))}
            <li>
              <div>
                <p>
                  <strong>This one</strong>
                </p>
                <p class="fine">
                  {model.filename ?? "no file yet"}, made {day(model.created_at)}
                </p>
              </div>
            </li>
            {value.previous_model && <Line version={value.previous_model} what="older" />}
          </ul>
        )}
      </Fetched>
      <div>
        <a class="button" href={address("new", model.slug)}>
          Upload a new version
        </a>
      </div>
    </section>
  );
}

function Line({ version, what }: { version: Version; what: string }): JSX.Element {
  return (
    <li>
      <div>
        <p>
          <a href={address("models", version.slug)}>{version.title}</a>
        </p>
        <p class="fine">
          {what}, made {day(version.created_at)}, <code>{version.slug}</code>
        </p>
      </div>
    </li>
  );
}

export function DeletePanel({ model }: { model: Model }): JSX.Element {
  const domains = model.accessdomains.length;
  const where = domains === 0 ? "no page shows it" : domains === 1 ? "pages on 1 domain stop showing it" : `pages on ${domains} domains stop showing it`;
  return (
    <section class="panel" aria-labelledby="delete-heading">
      <h2 id="delete-heading">Delete</h2>
      <p>
        Nobody can open a deleted model: {where} within a second, programs and open sessions are refused too. You can restore it from “Deleted models”, with its domains and
        tickets as they were. Usage and refusals stay on record.
      </p>
      <div>
        <Sure
          label="Delete this model"
          question={`Delete “${model.title}”? From now on ${where}, and its sessions end. You can restore it later.`}
          confirm="Delete the model"
          run={async () => {
            await platform.deleteModel(model.id);
            go("deleted");
          }}
        />
      </div>
    </section>
  );
}
