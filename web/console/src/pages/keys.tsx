/** Access keys: how programs sign in to the account. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type AccessKey } from "../platform.js";
import { useResource } from "../resource.js";
import { Badge, Empty, Failure, Fetched, Field, Select, ShownOnce, Snippet, Sure, Switch, Tick, Title, useAction } from "../ui.js";
import { ago, day, type Tone } from "../words.js";

/** What a key may be good for, in the server's words and in ours. */
const SCOPES: [string, string, string][] = [
  ["models-read", "See models", "list them, look at them, their tickets and refusals"],
  ["models-write", "Change models", "upload, publish, change domains and switches, make and revoke tickets"],
  ["models-full", "Delete models", "all of the above, and delete and restore"],
  ["tokens", "Ask for access tokens", "for pages and programs that open sessions"],
  ["users-read", "See the account", "its domains, sign-ins, usage and caps"],
  ["users-write", "Change the account", "its domains and switches"],
  ["organizations-read", "See the organization", "members and usage"],
  ["organizations-write", "Change the organization", "roles of members, domains"],
];
const EVERYTHING = "*";
const DAY_S = 86_400;
/** How long the old key stays good beside the one that replaces it. */
const OVERLAP_DAYS = 7;

const ENDS: [string, string][] = [
  ["30", "30 days"],
  ["365", "one year"],
  ["0", "until it is revoked"],
];

const inDays = (days: number): number => Math.floor(Date.now() / 1000) + days * DAY_S;

interface Made {
  id: string;
  secret: string;
}

export function KeysPage(): JSX.Element {
  const keys = useResource<AccessKey[]>("access keys", platform.keys);
  const [made, setMade] = useState<Made>();
  const [said, say] = useState("");
  const make = async (description: string, scope: string[], until: number | null): Promise<void> => {
    const key = await platform.createKey({ description, scope, ...(until === null ? {} : { valid_until: until }) });
    setMade({ id: key.key_id, secret: key.key_secret });
    await keys.reload();
  };
  const replace = async (key: AccessKey): Promise<void> => {
    await make(key.description, key.scope, null);
    const end = inDays(OVERLAP_DAYS);
    await platform.changeKey(key.key_id, { valid_until: Math.min(end, key.valid_until ?? end) });
    say(`The key before is good for ${OVERLAP_DAYS} more days.`);
    await keys.reload();
  };
  return (
    <>
      <Title title="Access keys" />
      <p class="fine">Programs sign in with a key’s id and secret, as you do with your password. Each key is good for what you tick, and can be ended alone.</p>
      {made && (
        <ShownOnce title="The new key" done={() => setMade(undefined)}>
          <Snippet name="key id" text={made.id} />
          <Snippet name="key secret" text={made.secret} />
        </ShownOnce>
      )}
      <div class="columns">
        <section class="panel" aria-labelledby="keys-heading">
          <h2 id="keys-heading">Your keys</h2>
          <p role="status" class="said">
            {said}
          </p>
          <Fetched of={keys}>
            {(list) =>
              list.length === 0 ? (
                <Empty title="No access keys yet">
                  <p>Make one for each program, so that you can end it without touching the others.</p>
                </Empty>
              ) : (
                <ul class="lines">
                  {list.map((key) => (
                    <Line key={key.key_id} accessKey={key} reload={keys.reload} replace={replace} say={say} />
                  ))}
                </ul>
              )
            }
          </Fetched>
        </section>
        <NewKey make={make} />
      </div>
    </>
  );
}

function stateOf(key: AccessKey): { word: string; tone: Tone } {
  if (key.valid_until !== null && key.valid_until * 1000 <= Date.now()) return { word: "Ended", tone: "quiet" };
  return key.active ? { word: "Good", tone: "good" } : { word: "Off", tone: "waiting" };
}

function scopeWords(scope: string[]): string {
  if (scope.includes(EVERYTHING)) return "everything";
  return scope.map((one) => SCOPES.find(([id]) => id === one)?.[1].toLowerCase() ?? one).join(", ");
}

interface LineProps {
  accessKey: AccessKey;
  reload: () => Promise<void>;
  replace: (key: AccessKey) => Promise<void>;
  say: (words: string) => void;
}

function Line({ accessKey: key, reload, replace, say }: LineProps): JSX.Element {
  const name = key.description || `key …${key.ends_with}`;
  const state = stateOf(key);
  const turn = useAction(async (on: boolean) => {
    await platform.changeKey(key.key_id, { active: on });
    say(on ? `${name} signs in again.` : `${name} is off: what it signed in is refused from now on.`);
    await reload();
  });
  const renew = useAction(() => replace(key));
  return (
    <li>
      <div class="stack">
        <p class="row">
          <strong>{name}</strong> <Badge tone={state.tone}>{state.word}</Badge>
        </p>
        <p class="fine">
          good for {scopeWords(key.scope)}; {key.valid_until === null ? "no end" : `until ${day(key.valid_until)}`}
        </p>
        <p class="fine">
          made {day(key.created_at)}, {key.used_at === null ? "never used" : `last used ${ago(key.used_at)}`}, ends with <code>{key.ends_with}</code>
        </p>
        <p class="fine">
          <code>{key.key_id}</code>
        </p>
        <Switch label={`Sign in with ${name}`} help="Off: the key is refused, and what it signed in too." on={key.active} busy={turn.busy} change={(on) => void turn.run(on)} />
        {turn.error !== undefined && <Failure error={turn.error} />}
        {renew.error !== undefined && <Failure error={renew.error} />}
      </div>
      <div class="row">
        <button type="button" aria-label={`Replace ${name}`} disabled={renew.busy} onClick={() => void renew.run()}>
          Replace
        </button>
        <Sure
          label="Revoke"
          describedAs={`Revoke ${name}`}
          question={`Revoke ${name}? Programs that use it are refused at once, and it cannot be brought back.`}
          confirm="Revoke the key"
          run={async () => {
            await platform.revokeKey(key.key_id);
            say(`${name} is revoked.`);
            await reload();
          }}
        />
      </div>
    </li>
  );
}

function NewKey({ make }: { make: (description: string, scope: string[], until: number | null) => Promise<void> }): JSX.Element {
  const [description, setDescription] = useState("");
  const [scope, setScope] = useState<string[]>(["models-read", "tokens"]);
  const [days, setDays] = useState("365");
  const create = useAction(async () => {
    await make(description.trim(), scope, days === "0" ? null : inDays(Number(days)));
    setDescription("");
  });
  const all = scope.includes(EVERYTHING);
  const tick = (id: string, on: boolean): void => setScope(on ? [...scope.filter((one) => one !== id), id] : scope.filter((one) => one !== id));
  const submit = (event: Event): void => {
    event.preventDefault();
    void create.run();
  };
  return (
    <section class="panel" aria-labelledby="new-key-heading">
      <h2 id="new-key-heading">A new key</h2>
      <form onSubmit={submit}>
        <Field label="What it is for" help="So that you know it again: the program, or the machine." value={description} change={setDescription} required />
        <fieldset class="ticks">
          <legend>What it is good for</legend>
          {SCOPES.map(([id, word, what]) => (
            <Tick key={id} label={word} help={what} on={all || scope.includes(id)} disabled={all} change={(on) => tick(id, on)} />
          ))}
          <Tick label="Everything" help="as you when you are signed in, making keys included; only where nothing less will do" on={all} change={(on) => setScope(on ? [EVERYTHING] : ["models-read"])} />
        </fieldset>
        <Select label="Holds" options={ENDS} value={days} change={setDays} />
        <button type="submit" class="primary" disabled={create.busy || description.trim() === "" || scope.length === 0}>
          Make a key
        </button>
        {create.error !== undefined && <Failure error={create.error} />}
      </form>
    </section>
  );
}
