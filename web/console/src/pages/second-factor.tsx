/** Codes of an authenticator program beside the password: turning them on, their recovery codes, turning them off. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { people, type SecondFactor, type SharedSecret } from "../people.js";
import { QrCode } from "../qr.js";
import { useResource } from "../resource.js";
import { Badge, Failure, Fetched, Field, Notice, ShownOnce, Snippet, useAction } from "../ui.js";

/** Below this it is time to make new ones. */
const CODES_FEW = 3;
const NO_PASSWORD = "Leave it empty if your account has none.";

export function SecondFactorPanel(): JSX.Element {
  const person = useResource("second factor", people.self);
  const [codes, setCodes] = useState<string[]>();
  const [said, say] = useState("");
  return (
    <section class="panel" aria-labelledby="second-factor-heading">
      <h2 id="second-factor-heading">Second factor</h2>
      {codes ? (
        <ShownOnce title="Your recovery codes" done={() => setCodes(undefined)}>
          <p>Each of them signs you in once, when the phone with your authenticator program is lost.</p>
          <Snippet name="recovery codes" text={codes.join("\n")} />
        </ShownOnce>
      ) : (
        <Fetched of={person} rows={1}>
          {({ second_factor: factor }) =>
            factor === null ? (
              <TurnOn
                done={async (made) => {
                  setCodes(made);
                  say("The second factor is on. Every other sign-in has ended.");
                  await person.reload();
                }}
              />
            ) : (
              <TurnOff
                factor={factor}
                done={async () => {
                  say("The second factor is off.");
                  await person.reload();
                }}
              />
            )
          }
        </Fetched>
      )}
      <p role="status" class="said">
        {said}
      </p>
    </section>
  );
}

function TurnOn({ done }: { done: (codes: string[]) => Promise<void> }): JSX.Element {
  const [password, setPassword] = useState("");
  const [secret, setSecret] = useState<SharedSecret>();
  const begin = useAction(async () => {
    setSecret(await people.beginSecondFactor(password));
    setPassword("");
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    void begin.run();
  };
  if (secret) return <Confirm secret={secret} done={done} cancel={() => setSecret(undefined)} />;
  return (
    <>
      <p>
        A sign-in then asks for a code of your authenticator program beside the password: whoever has learnt the password alone stays outside. Access keys are not asked.
      </p>
      <form onSubmit={submit}>
        <Field label="Your password" type="password" autocomplete="current-password" help={NO_PASSWORD} value={password} change={setPassword} />
        <button type="submit" class="primary" disabled={begin.busy}>
          Set up a second factor
        </button>
        {begin.error !== undefined && <Failure error={begin.error} />}
      </form>
    </>
  );
}

function Confirm({ secret, done, cancel }: { secret: SharedSecret; done: (codes: string[]) => Promise<void>; cancel: () => void }): JSX.Element {
  const [code, setCode] = useState("");
  const confirm = useAction(async () => done(await people.confirmSecondFactor(code.replaceAll(" ", ""))));
  const submit = (event: Event): void => {
    event.preventDefault();
    void confirm.run();
  };
  return (
    <form onSubmit={submit}>
      <p>
        Read this picture with your authenticator program, or type the key in. On the phone itself, <a href={secret.url}>open the program</a>.
      </p>
      <QrCode name="The key for your authenticator program" text={secret.url} />
      <Snippet name="authenticator key" text={secret.secret} />
      <Field
        label="Code that the program shows"
        help="Nothing changes before the first code is right."
        value={code}
        change={setCode}
        autocomplete="one-time-code"
        required
        verbatim
      />
      <div class="row">
        <button type="submit" class="primary" disabled={confirm.busy || code.trim() === ""}>
          Turn it on
        </button>
        <button type="button" onClick={cancel}>
          Not now
        </button>
      </div>
      {confirm.error !== undefined && <Failure error={confirm.error} />}
    </form>
  );
}

function TurnOff({ factor, done }: { factor: SecondFactor; done: () => Promise<void> }): JSX.Element {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const remove = useAction(async () => {
    await people.removeSecondFactor(password, code.trim());
    await done();
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    void remove.run();
  };
  const left = factor.recovery_codes_left;
  return (
    <>
      <p class="row">
        <Badge tone="good">On</Badge>
        <span>{left === 1 ? "1 recovery code is left." : `${left} recovery codes are left.`}</span>
      </p>
      {left <= CODES_FEW && (
        <Notice tone="waiting">
          <p>For new recovery codes turn the second factor off and on again.</p>
        </Notice>
      )}
      <details class="help">
        <summary>Turn it off</summary>
        <form onSubmit={submit}>
          <Field label="Your password" type="password" autocomplete="current-password" help={NO_PASSWORD} value={password} change={setPassword} />
          <Field label="Code, or a recovery code" value={code} change={setCode} autocomplete="one-time-code" required verbatim />
          <button type="submit" class="danger" disabled={remove.busy || code.trim() === ""}>
            Turn the second factor off
          </button>
          {remove.error !== undefined && <Failure error={remove.error} />}
        </form>
      </details>
    </>
  );
}
