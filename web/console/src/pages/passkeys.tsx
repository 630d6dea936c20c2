/** Passkeys of the account: making one on this device, and removing those that are lost. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { config } from "../config.js";
import { hasPasskeys } from "../passkey.js";
import { people, type Passkey } from "../people.js";
import { useResource } from "../resource.js";
import { Empty, Failure, Fetched, Field, useAction } from "../ui.js";
import { ago, day } from "../words.js";

export function PasskeysPanel(): JSX.Element {
  const passkeys = useResource("passkeys", people.passkeys);
  const ways = useResource("ways to sign in beside passkeys", people.waysIn);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [said, say] = useState("");
  const act = useAction(async (work: () => Promise<unknown>, words: string) => {
    say("");
    await work();
    setPassword("");
    setName("");
    say(words);
    await passkeys.reload();
  });
  const has = ways.value?.has_password === true;
  const shown = has ? password : undefined;
  const ready = !act.busy && ways.value !== undefined && (!has || password !== "");
  const can = config.passkeys && hasPasskeys();
  const add = (event: Event): void => {
    event.preventDefault();
    void act.run(() => people.addPasskey(name.trim(), shown), "The passkey is made. It signs you in from now on.");
  };
  const remove = (one: Passkey): Promise<boolean> =>
    act.run(() => people.removePasskey(one.id, shown), `${one.name} signs you in no longer. Every other sign-in has ended.`);
  return (
    <section class="panel" aria-labelledby="passkeys-heading">
      <h2 id="passkeys-heading">Passkeys</h2>
      <p class="fine">A key on your phone, computer or security key signs you in, once you unlock it there: without a password, and without a code.</p>
      <p role="status" class="said">
        {said}
      </p>
      <form onSubmit={add}>
        <Fetched of={passkeys} rows={1}>
          {(list) =>
            list.length === 0 ? (
              <Empty title="No passkey yet" />
            ) : (
              <ul class="lines">
                {list.map((one) => (
                  <li key={one.id}>
                    <div>
                      <p>
                        <strong>{one.name}</strong>
                      </p>
                      <p class="fine">
                        made {day(one.created_at)}, {one.used_at === null ? "never used" : `last used ${ago(one.used_at)}`}
                      </p>
                    </div>
                    <button type="button" class="danger" aria-label={`Remove ${one.name}`} disabled={!ready} onClick={() => void remove(one)}>
                      Remove
                    </button>
                  </li>
                ))}
              </ul>
            )
          }
        </Fetched>
        {can && <Field label="Name of the new passkey" help="So that you know it again, as “Phone”." value={name} change={setName} />}
        {has && (
          <Field
            label="Your password"
            type="password"
            autocomplete="current-password"
            help="To make or remove a passkey."
            value={password}
            change={setPassword}
          />
        )}
        {can ? (
          <button type="submit" class="primary" disabled={!ready || name.trim() === ""}>
            Make a passkey
          </button>
        ) : (
          <p class="fine">Passkeys are made where the server has a name of its own, in a browser that knows them.</p>
        )}
        {act.error !== undefined && <Failure error={act.error} />}
      </form>
    </section>
  );
}
