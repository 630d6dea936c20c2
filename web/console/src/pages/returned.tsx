/** Back from a provider: with who it is, or with what went wrong. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { account, ApiError } from "../api.js";
import { goBack, sentenceFor } from "../providers.js";
import { address } from "../router.js";
import { Failure, Field, Notice, Title, useAction } from "../ui.js";

/** The provider knows who it is; the account may ask for its second factor. */
export function ReturnedPage(): JSX.Element {
  const [code, setCode] = useState("");
  const enter = useAction(async () => {
    await account.comeBack(code.trim());
    goBack();
  });
  useEffect(() => void enter.run(), []);
  const refused = enter.error instanceof ApiError ? enter.error.code : "";
  const [second, setSecond] = useState(false);
  if (!second && refused === "second-factor-missing") setSecond(true);
  const submit = (event: Event): void => {
    event.preventDefault();
    void enter.run();
  };
  return (
    <main id="main" class="narrow sign-in">
      <Title title="Sign in">{second ? "One more step" : "Signing in"}</Title>
      {enter.error !== undefined && refused !== "second-factor-missing" && <Failure error={enter.error} />}
      {second ? (
        <form onSubmit={submit}>
          <Field
            label="Code"
            value={code}
            change={setCode}
            autocomplete="one-time-code"
            help="Your account asks for what your authenticator program shows, or one of your recovery codes."
            required
            verbatim
          />
          <button type="submit" class="primary" disabled={enter.busy || code.trim() === ""}>
            {enter.busy ? "Signing in …" : "Sign in"}
          </button>
        </form>
      ) : (
        enter.busy && <p role="status">Signing in …</p>
      )}
      {enter.error !== undefined && (
        <p>
          <a href={address()}>Back to the sign-in page</a>
        </p>
      )}
    </main>
  );
}

/** What went wrong, in words. */
export function NotReturned({ code }: { code: string }): JSX.Element {
  return (
    <Notice tone="bad">
      <p>{sentenceFor(code)}</p>
      <p>
        <a href={`/docs/errors#${encodeURIComponent(code)}`}>What this means</a>
      </p>
    </Notice>
  );
}
