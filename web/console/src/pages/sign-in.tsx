/** Signing in. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { account, ApiError } from "../api.js";
import { config } from "../config.js";
import { hasPasskeys, signByPasskey } from "../passkey.js";
import { goBack, leaveFor } from "../providers.js";
import { Failure, Field, Notice, Title, useAction } from "../ui.js";
import { NotReturned } from "./returned.js";

export function SignInPage({ failed }: { failed?: string | undefined }): JSX.Element {
  const [name, setName] = useState("");
  const [secret, setSecret] = useState("");
  const [code, setCode] = useState("");
  // What went wrong at a provider is no place to stay at.
  const enter = async (signing: Promise<void>): Promise<void> => {
    await signing;
    if (failed !== undefined) goBack();
  };
  const signIn = useAction(() => enter(account.signIn(name.trim(), secret, code.trim())));
  const refused = signIn.error instanceof ApiError ? signIn.error.code : "";
  const [second, setSecond] = useState(false);
  // Once the server has asked for a code it goes on asking, whatever else is wrong with it.
  if (!second && refused === "second-factor-missing") setSecond(true);
  const unlock = useAction(() => enter(account.signInByPasskey(signByPasskey)));
  const leave = useAction(async (provider: string) => leaveFor(await account.beginAt(provider)));
  const passkeys = config.passkeys && hasPasskeys();
  const submit = (event: Event): void => {
    event.preventDefault();
    void signIn.run();
  };
  return (
    <main id="main" class="narrow sign-in">
      <Title title="Sign in">Sign in to Vitrine</Title>
      {location.origin !== new URL(config.publicUrl).origin && (
        <Notice tone="waiting">
          <p>
            This server is at home under another address. Sign in <a href={config.publicUrl}>there</a>: here a sign-in does not outlive a reload.
          </p>
        </Notice>
      )}
      {failed !== undefined && signIn.error === undefined && <NotReturned code={failed} />}
      {leave.error !== undefined && <Failure error={leave.error} />}
      {unlock.error !== undefined && <Failure error={unlock.error} />}
      {account.endedBecause && signIn.error === undefined && <Notice tone="waiting">{account.endedBecause}</Notice>}
      {signIn.error !== undefined && refused !== "second-factor-missing" && <Failure error={signIn.error} />}
      <form onSubmit={submit}>
        <Field
          label="E-mail address or access key id"
          value={name}
          change={setName}
          autocomplete="username"
          required
          verbatim
        />
        <Field
          label="Password or key secret"
          type="password"
          value={secret}
          change={setSecret}
          autocomplete="current-password"
          required
        />
        {second && (
          <Field
            label="Code"
            value={code}
            change={setCode}
            autocomplete="one-time-code"
            help="What your authenticator program shows, or one of your recovery codes."
            required
            verbatim
          />
        )}
        <button type="submit" class="primary" disabled={signIn.busy}>
          {signIn.busy ? "Signing in …" : "Sign in"}
        </button>
      </form>
      {(config.providers.length > 0 || passkeys) && (
        <div class="providers">
          {passkeys && (
            <button type="button" disabled={unlock.busy} onClick={() => void unlock.run()}>
              Use a passkey
            </button>
          )}
          {config.providers.map(({ name, title }) => (
            <button key={name} type="button" disabled={leave.busy} onClick={() => void leave.run(name)}>
              Continue with {title}
            </button>
          ))}
        </div>
      )}
      <details class="help">
        <summary>Where do I get an account?</summary>
        <p>
          A new server prints a link for its first account when it starts. Otherwise whoever runs this server makes one with <code>vitrine user create</code>, or an access key with <code>vitrine accesskey create</code>.
        </p>
      </details>
    </main>
  );
}
