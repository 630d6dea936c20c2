/** Pages for whoever comes with a link: the first administrator, and people who are invited. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { account } from "../api.js";
import { address, go } from "../router.js";
import { Failure, Field, Title, useAction } from "../ui.js";

interface NewAccount {
  email: string;
  name: string;
  password: string;
}

/** Asks for what an account is made of, and signs it in. */
function NewAccountForm({ make, action }: { make: (wanted: NewAccount) => Promise<unknown>; action: string }): JSX.Element {
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const create = useAction(async () => {
    await make({ name: name.trim(), email: email.trim(), password });
    go("models");
    await account.signIn(email.trim(), password);
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    void create.run();
  };
  return (
    <>
      {create.error !== undefined && <Failure error={create.error} />}
      <form onSubmit={submit}>
        <Field label="Name" value={name} change={setName} autocomplete="name" />
        <Field label="E-mail address" type="email" value={email} change={setEmail} autocomplete="username" required verbatim />
        <Field
          label="Password"
          type="password"
          value={password}
          change={setPassword}
          autocomplete="new-password"
          help="A long sentence is better than a short puzzle."
          required
        />
        <button type="submit" class="primary" disabled={create.busy}>
          {create.busy ? "Making the account …" : action}
        </button>
      </form>
    </>
  );
}

/** The link that a new server prints. */
export function SetUpPage({ token }: { token: string }): JSX.Element {
  return (
    <main id="main" class="narrow sign-in">
      <Title title="Set up this server">Set up this server</Title>
      <p>You are the first one here. The account that you make now administers this server. The link is good once.</p>
      <NewAccountForm action="Make the account" make={(wanted) => account.open("/api/v1/setup", { ...wanted, token })} />
    </main>
  );
}

/** The link of an invitation, for whoever is signed in and for whoever has no account. */
export function InvitationPage({ organization, token }: { organization: string; token: string }): JSX.Element {
  const [said, say] = useState("");
  const at = (rest: string): string => `/api/v1/organizations/${encodeURIComponent(organization)}/${rest}`;
  const accept = useAction(async () => {
    await account.call("POST", at("invitation_accept"), { token });
    say("You belong to the organization now.");
  });
  const deny = useAction(async () => {
    await account.call("POST", at("invitation_deny"), { token });
    say("The invitation has ended.");
  });
  if (account.user === undefined) {
    return (
      <main id="main" class="narrow sign-in">
        <Title title="You are invited">You are invited</Title>
        <p>
          Make an account under the address that the invitation was meant for. If you have one, <a href={address()}>sign in</a> first, then open the link again.
        </p>
        <NewAccountForm action="Make the account and join" make={(wanted) => account.open("/api/v1/invitations/register", { ...wanted, token })} />
      </main>
    );
  }
  const error = accept.error ?? deny.error;
  return (
    <main id="main" class="narrow">
      <Title title="You are invited">You are invited</Title>
      <p role="status" class="said">
        {said}
      </p>
      {error !== undefined && <Failure error={error} />}
      {said === "" ? (
        <>
          <p>You can join an organization with the account that you are signed in with. Its managers then see and manage the models that you make there.</p>
          <p class="actions">
            <button type="button" class="primary" disabled={accept.busy} onClick={() => void accept.run()}>
              Join
            </button>{" "}
            <button type="button" disabled={deny.busy} onClick={() => void deny.run()}>
              Decline
            </button>
          </p>
        </>
      ) : (
        <p>
          <a href={address("models")}>To the models</a>
        </p>
      )}
    </main>
  );
}
