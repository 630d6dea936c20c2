/** Which pages may show a model: the list, and a way to try an address before a visitor does. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type Tried } from "../platform.js";
import { Failure, Field, Notice, useAction } from "../ui.js";
import { DomainList } from "./domain-list.js";
import type { TabProps } from "./model.js";

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
        <DomainList
          help="A page may show the model when its address is listed here. A domain that you remove is refused within a second, open pages included."
          empty="No page may show this model"
          advice="Add the domain of your shop, or “localhost:*” for your own machine."
          domains={domains}
          busy={save.busy}
          save={save.run}
        />
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
