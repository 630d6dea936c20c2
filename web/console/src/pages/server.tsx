/** The server itself, for those who run it: health, workers, keys, and the plans of accounts. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { operator, type AnAccount, type Health, type Plan, type SealingKey, type SigningKey } from "../operator.js";
import { useEvery, useResource } from "../resource.js";
import { Badge, Failure, Fetched, Field, Select, Sure, Title, useAction } from "../ui.js";
import { day, instant, type Tone } from "../words.js";

/** How often health is asked for while it is looked at. */
const REFRESH_MS = 5000;

export function ServerPage(): JSX.Element {
  const health = useResource("health", operator.health);
  // Not while an answer is on the way: one that takes longer than the pause would never be seen.
  useEvery(REFRESH_MS, !health.waiting, health.reload);
  return (
    <>
      <Title title="Server" />
      <div class="columns">
        <Fetched of={health}>
          {(value) => (
            <>
              <Checks health={value} />
              <Workers health={value} />
            </>
          )}
        </Fetched>
        <Keys />
        <Plans />
      </div>
    </>
  );
}

function Checks({ health }: { health: Health }): JSX.Element {
  return (
    <section class="panel" aria-labelledby="health-heading">
      <div class="page-head">
        <h2 id="health-heading">Health</h2>
        <Badge tone={health.ready ? "good" : "bad"}>{health.ready ? "Ready" : "In trouble"}</Badge>
      </div>
      <ul class="lines">
        {health.checks.map((check) => (
          <li key={check.name}>
            <div>
              <p class="row">
                <strong>{check.name}</strong>
                <Badge tone={check.problem ? "bad" : "good"}>{check.problem ? "Failed" : "Good"}</Badge>
              </p>
              {check.problem && <p class="field-error">{check.problem}</p>}
              {check.note && <p class="fine">{check.note}</p>}
              {check.details && check.details.length > 0 && <p class="fine">{check.details.join(", ").replaceAll("_", " ")}</p>}
            </div>
          </li>
        ))}
      </ul>
      <p class="fine">The clock of this server says {instant(health.now)}.</p>
    </section>
  );
}

function Workers({ health: { workers } }: { health: Health }): JSX.Element {
  const facts: [string, number][] = [
    ["At most", workers.at_most],
    ["Idle", workers.idle],
    ["Computing", workers.busy],
    ["Jobs that wait", workers.queued],
    ["Ended or lost since the start", workers.restarts],
  ];
  return (
    <section class="panel" aria-labelledby="workers-heading">
      <h2 id="workers-heading">Workers</h2>
      <p class="fine">Processes of this node that run models’ scripts, each in a cage. One that has served a model is not given another’s.</p>
      <dl class="facts">
        {facts.map(([word, count]) => (
          <div key={word}>
            <dt>{word}</dt>
            <dd>{count.toLocaleString()}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const STATES: Record<SigningKey["state"], { word: string; tone: Tone }> = {
  published: { word: "Published, signs soon", tone: "waiting" },
  signs: { word: "Signs", tone: "good" },
  verifies: { word: "Verifies only", tone: "quiet" },
  ended: { word: "Ended", tone: "quiet" },
  retired: { word: "Retired", tone: "quiet" },
};

function Keys(): JSX.Element {
  const keys = useResource("keys of the server", operator.keys);
  const [said, say] = useState("");
  const rotate = useAction(async () => {
    say("");
    const key = await operator.rotateKeys();
    say(`A new key signs from ${instant(key.signs_from)} on.`);
    await keys.reload();
  });
  const retire = async (key: SigningKey): Promise<void> => {
    await operator.retireKey(key.kid);
    say("The key has ended, and its tokens with it.");
    await keys.reload();
  };
  return (
    <section class="panel" aria-labelledby="keys-of-server">
      <h2 id="keys-of-server">Keys that sign tokens</h2>
      <p class="fine">Rotate them now and then. The key before goes on verifying until its last token has ended, so that nobody is interrupted.</p>
      <p role="status" class="said">
        {said}
      </p>
      <Fetched of={keys}>
        {(value) => (
          <>
            <ul class="lines">
              {value.signing.map((key) => (
                <KeyLine key={key.kid} of={key} retire={retire} />
              ))}
            </ul>
            <div>
              <button type="button" class="primary" disabled={rotate.busy} onClick={() => void rotate.run()}>
                Make a new key
              </button>
            </div>
            {rotate.error !== undefined && <Failure error={rotate.error} />}
            <h3>Keys that seal tickets</h3>
            <ul class="lines">
              {value.sealing.map((key) => (
                <SealingLine key={key.fingerprint} of={key} />
              ))}
            </ul>
          </>
        )}
      </Fetched>
    </section>
  );
}

function KeyLine({ of: key, retire }: { of: SigningKey; retire: (key: SigningKey) => Promise<void> }): JSX.Element {
  const state = STATES[key.state];
  const isLive = key.state !== "ended" && key.state !== "retired";
  return (
    <li>
      <div>
        <p class="row">
          <code>{key.kid}</code> <Badge tone={state.tone}>{state.word}</Badge>
        </p>
        <p class="fine">
          {key.alg}, made {day(key.created_at)}
          {key.verifies_until !== null && <>, verifies until {instant(key.verifies_until)}</>}
        </p>
      </div>
      {isLive && (
        <Sure
          label="Retire"
          describedAs={`Retire the key ${key.kid}`}
          question="Retire this key? Every token and sign-in that it signed is refused at once, yours too if it was one of them. Do this when a key may have leaked."
          confirm="Retire the key"
          run={() => retire(key)}
        />
      )}
    </li>
  );
}

function SealingLine({ of: key }: { of: SealingKey }): JSX.Element {
  return (
    <li>
      <div>
        <p class="row">
          <code>{key.fingerprint}</code>
          <Badge tone={!key.known ? "bad" : key.seals ? "good" : "quiet"}>{!key.known ? "Missing on this node" : key.seals ? "Seals" : "Opens only"}</Badge>
        </p>
        <p class="fine">{key.live_tickets.toLocaleString()} live tickets</p>
      </div>
    </li>
  );
}

const plain = (name: string): string => name.replaceAll("_", " ");

/** What a plan has not, but another one has. */
function lacksOf(plan: Plan, plans: Plan[]): string {
  const lacks = plan.lacks.filter((name) => plans.some((other) => !other.lacks.includes(name)));
  return lacks.length === 0 ? "nothing" : lacks.map(plain).join(", ");
}

function limitsOf(plan: Plan): string {
  const limits = Object.entries(plan.limits).map(([name, most]) => `${plain(name)}: ${most.toLocaleString()}`);
  return limits.length === 0 ? "none of its own" : limits.join(", ");
}

function Plans(): JSX.Element {
  const plans = useResource("plans", operator.plans);
  return (
    <section class="panel" aria-labelledby="plans-heading">
      <h2 id="plans-heading">Plans of accounts</h2>
      <Fetched of={plans}>
        {(list) => (
          <>
            <div class="scrolls" tabIndex={0} role="region" aria-label="Table: plans">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Plan</th>
                    <th scope="col">Lacks</th>
                    <th scope="col">Limits</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((plan) => (
                    <tr key={plan.name}>
                      <th scope="row">{plan.name}</th>
                      <td>{lacksOf(plan, list)}</td>
                      <td>{limitsOf(plan)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <FindAccount plans={list} />
          </>
        )}
      </Fetched>
    </section>
  );
}

function FindAccount({ plans }: { plans: Plan[] }): JSX.Element {
  const [name, setName] = useState("");
  const [found, setFound] = useState<AnAccount>();
  const [said, say] = useState("");
  const find = useAction(async () => {
    say("");
    setFound(undefined);
    setFound(await operator.account(name.trim()));
  });
  const set = useAction(async (one: AnAccount, plan: string) => {
    const key = one.kind === "organization" ? `organization:${one.id}` : one.id;
    setFound(await operator.setPlan(key, plan));
    say(`${one.name || one.email || one.id} has the plan ${plan} now.`);
  });
  return (
    <>
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          void find.run();
        }}
      >
        <Field
          label="Account"
          help="A user’s address or id, or organization: and an organization’s id."
          placeholder="anna@example.com"
          value={name}
          change={setName}
          verbatim
          required
        />
        <button type="submit" disabled={find.busy || name.trim() === ""}>
          Find
        </button>
        {find.error !== undefined && <Failure error={find.error} />}
      </form>
      {found && (
        <div class="stack">
          <p class="row">
            <strong>{found.name || found.email || found.id}</strong>
            <span class="fine">{found.kind === "user" ? found.email : "organization"}</span>
            {found.administrator && <Badge tone="quiet">administrator</Badge>}
            {found.blocked_at != null && <Badge tone="bad">may not sign in</Badge>}
          </p>
          <Select label="Plan" options={plans.map((plan) => [plan.name, plan.name])} value={found.plan} busy={set.busy} change={(plan) => void set.run(found, plan)} />
        </div>
      )}
      {set.error !== undefined && <Failure error={set.error} />}
      <p role="status" class="said">
        {said}
      </p>
    </>
  );
}
