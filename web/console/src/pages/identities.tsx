/** Providers at which the account's owner signs in: linking one, and removing it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { people, type Identity, type WaysIn } from "../people.js";
import { leaveFor } from "../providers.js";
import { useResource } from "../resource.js";
import { Badge, Empty, Failure, Fetched, Field, useAction } from "../ui.js";
import { ago, day } from "../words.js";

export function IdentitiesPanel({ linked }: { linked: boolean }): JSX.Element | null {
  const ways = useResource("ways to sign in", people.waysIn);
  const [said, say] = useState(linked ? "The provider is linked. You can sign in there from now on." : "");
  if (ways.value && ways.value.providers.length === 0 && ways.value.identities.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="identities-heading">
      <h2 id="identities-heading">Signing in elsewhere</h2>
      <p role="status" class="said">
        {said}
      </p>
      <Fetched of={ways} rows={1}>
        {(value) => (
          <Linked
            ways={value}
            removed={async () => {
              say("It signs you in no longer. Every other sign-in has ended.");
              await ways.reload();
            }}
          />
        )}
      </Fetched>
    </section>
  );
}

function Linked({ ways, removed }: { ways: WaysIn; removed: () => Promise<void> }): JSX.Element {
  const [password, setPassword] = useState("");
  const shown = ways.has_password ? password : undefined;
  const act = useAction(async (work: () => Promise<void>) => work());
  const title = (one: Identity): string => ways.providers.find(({ name }) => name === one.provider)?.title ?? one.issuer;
  const free = ways.providers.filter(({ name }) => !ways.identities.some((one) => one.provider === name));
  const ready = !act.busy && (!ways.has_password || password !== "");
  const link = (name: string): Promise<boolean> => act.run(async () => leaveFor(await people.link(name, shown)));
  const unlink = (id: string): Promise<boolean> =>
    act.run(async () => {
      await people.unlink(id, shown);
      setPassword("");
      await removed();
    });
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      {ways.identities.length === 0 ? (
        <Empty title="No provider is linked" />
      ) : (
        <ul class="lines">
          {ways.identities.map((one) => (
            <li key={one.id}>
              <div>
                <p class="row">
                  <strong>{title(one)}</strong>
                  {one.provider === null && <Badge tone="quiet">No longer in use here</Badge>}
                </p>
                <p class="fine">
                  {one.email ?? "without an address"}, linked {day(one.created_at)}
                  {one.used_at !== null && `, last used ${ago(one.used_at)}`}
                </p>
              </div>
              <button type="button" class="danger" aria-label={`Remove ${title(one)}`} disabled={!ready} onClick={() => void unlink(one.id)}>
                Remove
              </button>
            </li>
          ))}
        </ul>
      )}
      {ways.has_password && (
        <Field
          label="Your password"
          type="password"
          autocomplete="current-password"
          help="To link or remove a provider."
          value={password}
          change={setPassword}
        />
      )}
      {free.length > 0 && (
        <div class="row">
          {free.map(({ name, title }) => (
            <button key={name} type="button" disabled={!ready} onClick={() => void link(name)}>
              Link {title}
            </button>
          ))}
        </div>
      )}
      {act.error !== undefined && <Failure error={act.error} />}
    </form>
  );
}
