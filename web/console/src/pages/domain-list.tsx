/** A list of domains that can be changed: of a model, an account or an organization. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { platform, type CheckedDomain } from "../platform.js";
import { Empty, Field } from "../ui.js";

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


interface DomainListProps {
  help: string;
  empty: string;
  advice?: string;
  domains: string[];
  busy: boolean;
  save: (domains: string[], words: string) => Promise<boolean>;
}

export function DomainList({ help, empty, advice, domains, busy, save }: DomainListProps): JSX.Element {
  return (
    <>
      <p class="fine">{help}</p>
      {domains.length === 0 ? (
        <Empty title={empty}>{advice && <p>{advice}</p>}</Empty>
      ) : (
        <ul class="lines">
          {domains.map((domain) => (
            <li key={domain}>
              <code>{domain}</code>
              <button
                type="button"
                aria-label={`Remove ${domain}`}
                disabled={busy}
                onClick={() =>
                  void save(
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
      <AddDomain known={domains} busy={busy} allow={(entry) => save([...domains, entry], `${entry} is allowed from now on.`)} />
    </>
  );
}

/** A field for another domain; the server says at once how it reads it. */
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
