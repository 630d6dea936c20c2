/** What to put into a page, and the tickets behind it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { config } from "../config.js";
import { platform, type Ticket } from "../platform.js";
import { useResource } from "../resource.js";
import { address } from "../router.js";
import { Badge, Copy, Empty, Failure, Fetched, Notice, Snippet, Sure, useAction } from "../ui.js";
import { day, type Tone } from "../words.js";
import type { TabProps } from "./model.js";

const KINDS: Record<Ticket["type"], { word: string; what: string }> = {
  embedding: { word: "Embedding", what: "for pages on the allowed domains" },
  backend: { word: "Back end", what: "for programs on your servers; keep it secret" },
  author: { word: "Author", what: "for changing how the model is presented; keep it secret" },
};

const STATES: Record<Ticket["state"], { word: string; tone: Tone }> = {
  live: { word: "Live", tone: "good" },
  expired: { word: "Expired", tone: "quiet" },
  revoked: { word: "Revoked", tone: "quiet" },
};

/** Days that a ticket can be given; 0 is none. */
const ENDS: [number, string][] = [
  [0, "until it is revoked"],
  [1, "one day"],
  [30, "30 days"],
  [365, "one year"],
];
const DAY_S = 86_400;

export function elementHtml(ticket: string): string {
  return [
    `<script type="module" src="${config.publicUrl}/viewer/vitrine-viewer.js"></script>`,
    "<vitrine-viewer",
    `  ticket="${ticket}"></vitrine-viewer>`,
  ].join("\n");
}

export function iframeHtml(slug: string, title: string): string {
  const named = title.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return [
    `<iframe src="${config.contentUrl}/embed/${encodeURIComponent(slug)}"`,
    `  title="${named}" width="100%" height="600" style="border: 0"`,
    `  allow="fullscreen"></iframe>`,
  ].join("\n");
}

export function EmbedTab({ model }: TabProps): JSX.Element {
  const tickets = useResource(`tickets ${model.id}`, () => platform.tickets(model.id));
  return (
    <Fetched of={tickets}>
      {(list) => (
        <div class="columns">
          <Html model={model} list={list} reload={tickets.reload} />
          <section class="panel" aria-labelledby="tickets-heading">
            <h2 id="tickets-heading">Tickets</h2>
            <NewTicket model={model} done={tickets.reload} />
            {list.length === 0 ? (
              <Empty title="No tickets yet">
                <p>A ticket lets a page or a program open the model. Make one above.</p>
              </Empty>
            ) : (
              <ul class="lines">
                {list.map((ticket) => (
                  <Line key={ticket.id} model={model.id} ticket={ticket} reload={tickets.reload} />
                ))}
              </ul>
            )}
          </section>
        </div>
      )}
    </Fetched>
  );
}

function Html({ model, list, reload }: { model: TabProps["model"]; list: Ticket[]; reload: () => Promise<void> }): JSX.Element {
  const usable = list.find(({ type, state, accessdomains }) => type === "embedding" && state === "live" && accessdomains.length === 0);
  const make = useAction(async () => {
    await platform.createTicket(model.id, { type: "embedding" });
    await reload();
  });
  return (
    <section class="panel" aria-labelledby="html-heading">
      <h2 id="html-heading">HTML to copy</h2>
      {model.accessdomains.length === 0 && (
        <Notice tone="waiting">
          <p>
            No page may show the model yet. <a href={address("models", model.slug, "pages")}>Allow the domain</a> of the page first.
          </p>
        </Notice>
      )}
      {usable?.ticket == null ? (
        <Empty title="There is no ticket for pages">
          <button type="button" class="primary" disabled={make.busy} onClick={() => void make.run()}>
            Make one
          </button>
          {make.error !== undefined && <Failure error={make.error} />}
        </Empty>
      ) : (
        <>
          <h3>As an element</h3>
          {model.allow_direct_embedding ? (
            <Snippet name="element" text={elementHtml(usable.ticket)} />
          ) : (
            <p>This model is shown inside our iframe only; the switch is under Settings.</p>
          )}
          <h3>As an iframe</h3>
          <Snippet name="iframe" text={iframeHtml(model.slug, model.title)} />
        </>
      )}
    </section>
  );
}

function NewTicket({ model, done }: { model: TabProps["model"]; done: () => Promise<void> }): JSX.Element {
  const [type, setType] = useState<Ticket["type"]>("embedding");
  const [days, setDays] = useState(0);
  const make = useAction(async () => {
    const until = days === 0 ? {} : { until: Math.floor(Date.now() / 1000) + days * DAY_S };
    await platform.createTicket(model.id, { type, ...until });
    await done();
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    void make.run();
  };
  return (
    <form class="inline" onSubmit={submit}>
      <div class="field">
        <label for="ticket-type">Kind</label>
        <select id="ticket-type" value={type} onChange={(event) => setType(event.currentTarget.value as Ticket["type"])}>
          {Object.entries(KINDS).map(([id, { word }]) => (
            <option key={id} value={id}>
              {word}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="ticket-end">Holds</label>
        <select id="ticket-end" value={String(days)} onChange={(event) => setDays(Number(event.currentTarget.value))}>
          {ENDS.map(([value, word]) => (
            <option key={value} value={String(value)}>
              {word}
            </option>
          ))}
        </select>
      </div>
      <button type="submit" disabled={make.busy}>
        Make a ticket
      </button>
      <p class="hint">{KINDS[type].what}</p>
      {type === "backend" && !model.backend_access && <p class="hint">Back-end tickets are refused until you turn them on under Settings.</p>}
      {make.error !== undefined && <Failure error={make.error} />}
    </form>
  );
}

function Line({ model, ticket, reload }: { model: string; ticket: Ticket; reload: () => Promise<void> }): JSX.Element {
  const kind = KINDS[ticket.type];
  const state = STATES[ticket.state];
  return (
    <li>
      <div>
        <p class="row">
          <strong>{kind.word}</strong> <Badge tone={state.tone}>{state.word}</Badge>
        </p>
        <p class="fine">
          made {day(ticket.created_at)}
          {ticket.until !== null && <>, until {day(ticket.until)}</>}
          {ticket.accessdomains.length > 0 && <>, only on {ticket.accessdomains.join(", ")}</>}
        </p>
        <p class="fine">
          <code>{ticket.id}</code>
        </p>
      </div>
      {ticket.ticket !== null && (
        <div class="row">
          <Copy text={ticket.ticket} label="Copy ticket" />
          <Sure
            label="Revoke"
            describedAs={`Revoke the ${kind.word.toLowerCase()} ticket made ${day(ticket.created_at)}`}
            question="Revoke this ticket? Pages that use it stop at once, and it cannot be brought back."
            confirm="Revoke the ticket"
            run={async () => {
              await platform.revokeTicket(model, ticket.id);
              await reload();
            }}
          />
        </div>
      )}
    </li>
  );
}
