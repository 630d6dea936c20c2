/** What was refused, why, and what to do about it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type Decision, type Page } from "../platform.js";
import { useResource } from "../resource.js";
import { Badge, Empty, Failure, Fetched, Field, useAction } from "../ui.js";
import { instantOf, spoken } from "../words.js";
import type { TabProps } from "./model.js";

export function TrailTab({ model }: TabProps): JSX.Element {
  const [wanted, setWanted] = useState("");
  const [asked, setAsked] = useState("");
  const trail = useResource<Page<Decision>>(`trail ${model.id} ${asked}`, () => platform.trail(model.id, asked ? { request_id: asked } : {}));
  const more = useAction(async (known: Page<Decision>) => {
    const next = await platform.trail(model.id, { offset: known.pagination.next_offset ?? "" });
    trail.set({ ...next, result: [...known.result, ...next.result] });
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    setAsked(wanted.trim());
  };
  const clear = (): void => {
    setWanted("");
    setAsked("");
  };
  return (
    <section class="panel" aria-labelledby="trail-heading">
      <h2 id="trail-heading">Refusals and their reasons</h2>
      <form class="inline" onSubmit={submit}>
        <Field
          label="Request id"
          help="It stands in the refused answer and in the page's console."
          value={wanted}
          change={setWanted}
          verbatim
        />
        <button type="submit" class="primary" disabled={wanted.trim() === ""}>
          Look it up
        </button>
        {asked && (
          <button type="button" onClick={clear}>
            Show all
          </button>
        )}
      </form>
      <Fetched of={trail}>
        {(page) =>
          page.result.length === 0 ? (
            <Empty title={asked ? "Nothing is known about this request" : "Nothing was refused yet"}>
              <p>
                {asked
                  ? "It was not refused, it was about another model, or it was one of many equal ones within a minute."
                  : "When a page or program is refused, its reason and the remedy stand here."}
              </p>
            </Empty>
          ) : (
            <>
              <ol class="trail">
                {page.result.map((event) => (
                  <Entry key={event.id} event={event} />
                ))}
              </ol>
              {more.error !== undefined && <Failure error={more.error} />}
              {page.pagination.next_offset !== null && (
                <button type="button" disabled={more.busy} onClick={() => void more.run(page)}>
                  Show older ones
                </button>
              )}
            </>
          )
        }
      </Fetched>
    </section>
  );
}

function Entry({ event }: { event: Decision }): JSX.Element {
  const isRefused = event.decision === "refused";
  return (
    <li>
      <p class="row">
        <Badge tone={isRefused ? "bad" : "quiet"}>{isRefused ? "Refused" : "Allowed"}</Badge>
        <strong>{spoken(event.operation)}</strong>
        <time class="fine" dateTime={event.at}>
          {instantOf(event.at)}
        </time>
        {event.count > 1 && <span class="fine">{event.count} times within a minute</span>}
      </p>
      {event.message && <p>{event.message}</p>}
      {event.remedy && <p class="remedy">{event.remedy.replaceAll("`", "")}</p>}
      <p class="fine">
        {event.origin && <>from {event.origin} · </>}
        by {event.credential} · request <code>{event.request_id}</code>
        {event.documentation && (
          <>
            {" · "}
            <a href={event.documentation} target="_blank" rel="noreferrer">
              {event.reason}
            </a>
          </>
        )}
      </p>
    </li>
  );
}
