/** The account itself: who it is, and where it is signed in. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type SignIn } from "../platform.js";
import { useResource } from "../resource.js";
import { Empty, Fetched, Sure, Title } from "../ui.js";
import { ago, day } from "../words.js";

export function AccountPage(): JSX.Element {
  const user = useResource("user", platform.user);
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
        <SignIns />
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
