/** The account itself: who it is, and where it is signed in. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { platform, type SignIn, type UserChange } from "../platform.js";
import { useResource } from "../resource.js";
import { address } from "../router.js";
import { Empty, Failure, Fetched, Field, Sure, Switch, Title, useAction } from "../ui.js";
import { ago, day } from "../words.js";
import { DomainList } from "./domain-list.js";
import { IdentitiesPanel } from "./identities.js";
import { Plan } from "./organization.js";
import { PasskeysPanel } from "./passkeys.js";
import { SecondFactorPanel } from "./second-factor.js";

export function AccountPage({ linked = false }: { linked?: boolean }): JSX.Element {
  const user = useResource("user", platform.user);
  // Told once: a reload, or the next sign-in, is no linking.
  useEffect(() => {
    if (linked) history.replaceState(null, "", address("account"));
  }, [linked]);
  return (
    <>
      <Title title="Account" />
      <div class="columns">
        <section class="panel" aria-labelledby="who-heading">
          <h2 id="who-heading">You</h2>
          <Fetched of={user} rows={1}>
            {(value) => (
              <dl class="facts">
                <div>
                  <dt>Name</dt>
                  <dd>{value.first_name ?? "–"}</dd>
                </div>
                <div>
                  <dt>Address</dt>
                  <dd>{value.email ?? "–"}</dd>
                </div>
                <Plan features={value.features} />
                <div>
                  <dt>Id</dt>
                  <dd>
                    <code>{value.id}</code>
                  </dd>
                </div>
              </dl>
            )}
          </Fetched>
        </section>
        <Password />
        <SecondFactorPanel />
        <PasskeysPanel />
        <IdentitiesPanel linked={linked} />
        <SignIns />
        <OwnRules />
      </div>
    </>
  );
}

function SignIns(): JSX.Element {
  const signIns = useResource<SignIn[]>("sign-ins", platform.signIns);
  const [said, say] = useState("");
  const end = async (one: SignIn): Promise<void> => {
    await platform.endSignIn(one.id);
    say("The sign-in has ended.");
    await signIns.reload();
  };
  return (
    <section class="panel" aria-labelledby="sign-ins-heading">
      <h2 id="sign-ins-heading">Where you are signed in</h2>
      <p class="fine">End what you do not know. If you end the one of this window, you are asked to sign in again.</p>
      <p role="status" class="said">
        {said}
      </p>
      <Fetched of={signIns}>
        {(list) =>
          list.length === 0 ? (
            <Empty title="No sign-in that can be renewed" />
          ) : (
            <ul class="lines">
              {list.map((one) => (
                <li key={one.id}>
                  <div>
                    <p>
                      <strong>{one.client_name}</strong>
                    </p>
                    <p class="fine">
                      since {day(one.created_at)}, last renewed {ago(one.updated_at)}, until {day(one.expire_at)}
                    </p>
                  </div>
                  <Sure
                    label="End"
                    describedAs={`End the sign-in of ${one.client_name}, last renewed ${ago(one.updated_at)}`}
                    question={`End this sign-in of ${one.client_name}? Whoever uses it has to sign in again.`}
                    confirm="End the sign-in"
                    run={() => end(one)}
                  />
                </li>
              ))}
            </ul>
          )
        }
      </Fetched>
    </section>
  );
}

function Password(): JSX.Element {
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [said, say] = useState("");
  const save = useAction(async () => {
    say("");
    await platform.changeUser({ old_password: old, new_password: next, new_password_confirmation: again });
    setOld("");
    setNext("");
    setAgain("");
    say("The password is changed. Every other sign-in has ended.");
  });
  const differs = again !== "" && again !== next;
  const submit = (event: Event): void => {
    event.preventDefault();
    void save.run();
  };
  return (
    <section class="panel" aria-labelledby="password-heading">
      <h2 id="password-heading">Password</h2>
      <form onSubmit={submit}>
        <Field label="Present password" type="password" autocomplete="current-password" value={old} change={setOld} required />
        <Field label="New password" type="password" autocomplete="new-password" value={next} change={setNext} required />
        <Field
          label="New password again"
          type="password"
          autocomplete="new-password"
          value={again}
          change={setAgain}
          error={differs ? "This differs from the new password." : undefined}
          required
        />
        <button type="submit" class="primary" disabled={save.busy || old === "" || next === "" || again !== next}>
          Change the password
        </button>
        {save.error !== undefined && <Failure error={save.error} />}
        <p role="status" class="said">
          {said}
        </p>
      </form>
    </section>
  );
}

function OwnRules(): JSX.Element {
  const user = useResource("rules of the account", platform.user);
  const [said, say] = useState("");
  const save = useAction(async (change: UserChange, words: string) => {
    say("");
    user.set(await platform.changeUser(change));
    say(words);
  });
  return (
    <section class="panel" aria-labelledby="own-rules-heading">
      <h2 id="own-rules-heading">For all your models</h2>
      <Fetched of={user}>
        {(value) => (
          <>
            <DomainList
              help="Pages of these domains may show those of your models whose settings say so."
              empty="No domain is allowed for all"
              domains={value.global_accessdomains.map(({ name }) => name)}
              busy={save.busy}
              save={(list, words) => save.run({ global_accessdomains: list }, words)}
            />
            <Switch
              label="Strong authorization for all"
              help="Every model of yours asks for an access token beside the ticket, whatever its own switch says."
              on={value.force_require_token}
              busy={save.busy}
              change={(on) => void save.run({ force_require_token: on }, on ? "Every model asks for a token now." : "Each model decides by its own switch again.")}
            />
          </>
        )}
      </Fetched>
      {save.error !== undefined && <Failure error={save.error} />}
      <p role="status" class="said">
        {said}
      </p>
    </section>
  );
}
