/** Which pages may show a model: the list, and a way to try an address before a visitor does. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { platform, type CheckedDomain, type Tried } from "../platform.js";
import { Empty, Failure, Field, Notice, useAction } from "../ui.js";
import type { TabProps } from "./model.js";

/** The server is asked when the person pauses, not at each key. */
const PAUSE_MS = 250;

/** What the server makes of an entry that is being written. */
function useChecked(text: string): CheckedDomain | undefined {
  const [checked, setChecked] = useState<CheckedDomain>();
  useEffect(() => {
    setChecked(undefined);
    if (text.trim() === "") return undefined;
    const run = new AbortController();
    const timer = setTimeout(() => {
      platform
        .checkDomains([text], run.signal)
        .then(([one]) => setChecked(one))
        // Saving asks again and tells what is wrong.
        .catch(() => undefined);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      run.abort();
    };
  }, [text]);
  return checked;
}

export function PagesTab({ model, changed }: TabProps): JSX.Element {
  const domains = model.accessdomains.map(({ name }) => name);
  const [said, say] = useState("");
  const save = useAction(async (list: string[], words: string) => {
    say("");
    changed(await platform.change(model.id, { accessdomains: list }));
    say(words);
  });
  const allow = (entry: string): Promise<boolean> => save.run([...domains, entry], `${entry} is allowed from now on.`);
  return (
    <div class="columns">
      <section class="panel" aria-labelledby="domains-heading">
        <h2 id="domains-heading">Allowed domains</h2>
        <p class="fine">
          A page may show the model when its address is listed here. A domain that you remove is refused within a second, open pages included.
        </p>
        {domains.length === 0 ? (
          <Empty title="No page may show this model">
            <p>Add the domain of your shop, or “localhost:*” for your own machine.</p>
          </Empty>
        ) : (
          <ul class="lines">
            {domains.map((domain) => (
              <li key={domain}>
                <code>{domain}</code>
                <button
                  type="button"
                  aria-label={`Remove ${domain}`}
                  disabled={save.busy}
                  onClick={() =>
                    void save.run(
                      domains.filter((one) => one !== domain),
                      `${domain} is refused from now on.`,
                    )
                  }
                >
                  Remove
                </button>
              </li>
            ))}
          </ul>
        )}
        <AddDomain known={domains} busy={save.busy} allow={allow} />
        {save.error !== undefined && <Failure error={save.error} />}
        <p role="status" class="said">
          {said}
        </p>
        <Rules />
      </section>
      <TryOrigin model={model} busy={save.busy} allow={allow} key={domains.join(" ")} />
    </div>
  );
}

function AddDomain({ known, busy, allow }: { known: string[]; busy: boolean; allow: (entry: string) => Promise<boolean> }): JSX.Element {
  const [text, setText] = useState("");
  const checked = useChecked(text);
  const isKnown = checked?.normalised != null && known.includes(checked.normalised);
  const problem = checked?.error ?? (isKnown ? "this one is in the list already" : undefined);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await allow(checked?.normalised ?? text.trim())) setText("");
  };
  return (
    <form class="inline" onSubmit={(event) => void submit(event)}>
      <Field
        label="Add a domain"
        {...(problem === undefined ? {} : { error: problem })}
        value={text}
        change={setText}
        placeholder="shop.example.com"
        required
        verbatim
      />
      <button type="submit" class="primary" disabled={busy || text.trim() === "" || problem !== undefined}>
        Allow
      </button>
      <p class="hint" role="status">
        {checked?.normalised && !isKnown && checked.normalised !== text.trim() ? `is saved as ${checked.normalised}` : ""}
      </p>
    </form>
  );
}

function Rules(): JSX.Element {
  return (
    <details class="help">
      <summary>How to write an entry</summary>
      <dl class="facts">
        <div>
          <dt>
            <code>shop.example.com</code>
          </dt>
          <dd>exactly this host, by https</dd>
        </div>
        <div>
          <dt>
            <code>*.example.com</code>
          </dt>
          <dd>one name in front, such as www; never example.com itself</dd>
        </div>
        <div>
          <dt>
            <code>localhost:*</code>
          </dt>
          <dd>any port of your own machine, by http too</dd>
        </div>
        <div>
          <dt>
            <code>http://shop.example.com</code>
          </dt>
          <dd>without encryption; better not</dd>
        </div>
        <div>
          <dt>
            <code>capacitor://localhost</code>
          </dt>
          <dd>an app with a scheme of its own</dd>
        </div>
      </dl>
    </details>
  );
}

interface TryProps {
  model: TabProps["model"];
  busy: boolean;
  allow: (entry: string) => Promise<boolean>;
}

function TryOrigin({ model, busy, allow }: TryProps): JSX.Element {
  const [origin, setOrigin] = useState("");
  const [tried, setTried] = useState<Tried>();
  const ask = useAction(async () => {
    setTried(undefined);
    setTried(await platform.tryOrigin(model.id, { origin }));
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    void ask.run();
  };
  return (
    <section class="panel" aria-labelledby="try-heading">
      <h2 id="try-heading">Try it from another page</h2>
      <p class="fine">Paste the address of a page. The server decides as if the page had asked, and says why. Nothing is opened and nothing is charged.</p>
      <form class="inline" onSubmit={submit}>
        <Field
          label="Address of the page"
          value={origin}
          change={setOrigin}
          placeholder="https://shop.example.com/lamps"
          required
          verbatim
        />
        <button type="submit" class="primary" disabled={ask.busy || origin.trim() === ""}>
          Try
        </button>
      </form>
      {ask.error !== undefined && <Failure error={ask.error} />}
      <div role="status">{tried && <Verdict tried={tried} busy={busy} allow={allow} />}</div>
    </section>
  );
}

function Verdict({ tried, busy, allow }: { tried: Tried; busy: boolean; allow: (entry: string) => Promise<boolean> }): JSX.Element {
  if (tried.refusal === null) {
    return (
      <Notice tone="good">
        <p>
          <strong>Allowed.</strong> A page on <code>{tried.origin}</code> may show the model.
        </p>
        {tried.needs_token && <p>It needs an access token beside the ticket: strong authorization is on.</p>}
      </Notice>
    );
  }
  return (
    <Notice tone="bad">
      <p>
        <strong>Refused.</strong> {tried.refusal.message}
      </p>
      {tried.refusal.documentation && (
        <p class="fine">
          <a href={tried.refusal.documentation} target="_blank" rel="noreferrer">
            What “{tried.refusal.code}” means
          </a>
        </p>
      )}
      {tried.refusal.code === "origin-not-allowed" && (
        <button type="button" disabled={busy} onClick={() => void allow(tried.suggested_entry)}>
          Allow {tried.suggested_entry}
        </button>
      )}
    </Notice>
  );
}
