/** Caps on credits: how far they are used, the ones that those set who pay, and what was told of them. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type Cap, type CapFor, type Told } from "../platform.js";
import { useResource } from "../resource.js";
import { address } from "../router.js";
import { Empty, Failure, Fetched, Field, Notice, Sure, useAction } from "../ui.js";
import { credits as inCredits, instant, instantOf } from "../words.js";

const WINDOWS: Record<Cap["per"], string> = { hour: "an hour", day: "a day", month: "a month" };

/** As many as the server takes. */
const CREDITS_MAX = 1_000_000_000;

/** Something that a cap is set on, by the words of this page and of the server. */
interface Target {
  scope: string;
  name: string;
  whose: CapFor;
}

function whoseName(scope: string): string {
  if (scope.startsWith("user:")) return "Your account";
  if (scope.startsWith("organization:")) return "Your organization";
  return "This model";
}

/** The caps of the account or of a model, and a form for the one that is the reader's own to set. `organization`: one that they administer. */
export function Caps({ model, organization }: { model?: string; organization?: string }): JSX.Element {
  const caps = useResource(`caps ${model ?? ""}`, () => platform.caps(model));
  const targets: Target[] =
    model === undefined
      ? [
          { scope: "user:", name: "your account", whose: {} },
          ...(organization === undefined ? [] : [{ scope: "organization:", name: "your organization", whose: { organization_id: organization } }]),
        ]
      : [{ scope: "model:", name: "this model", whose: { model_id: model } }];
  return (
    <Fetched of={caps} rows={1}>
      {(list) => (
        <>
          {list.length === 0 ? (
            <p class="fine">No cap is set. A cap bounds what may be spent in a month.</p>
          ) : (
            <ul class="lines">
              {list.map((cap) => (
                <CapLine key={`${cap.scope} ${cap.per} ${cap.set_by}`} cap={cap} />
              ))}
            </ul>
          )}
          {targets.map((target) => (
            <CapForm key={target.scope} target={target} own={list.find((cap) => isOwn(cap, target))} changed={caps.reload} />
          ))}
        </>
      )}
    </Fetched>
  );
}

const isOwn = (cap: Cap, { scope }: Target): boolean => cap.set_by === "owner" && cap.per === "month" && cap.scope.startsWith(scope);

function CapLine({ cap }: { cap: Cap }): JSX.Element {
  const share = cap.credits === 0 ? 100 : Math.min(100, Math.round((cap.used / cap.credits) * 100));
  const name = `${whoseName(cap.scope)}: ${inCredits(cap.credits)} ${WINDOWS[cap.per]}`;
  const isOwn = cap.set_by === "owner";
  return (
    <li>
      <div class="cap">
        <p>
          <strong>{name}</strong> <span class="fine">set {isOwn ? "here" : "by whoever runs the server"}</span>
        </p>
        <progress aria-label={name} max={100} value={share} class={share >= 100 ? "full" : share >= 75 ? "high" : ""} />
        <p class="fine">
          {cap.used.toLocaleString()} used, {share} %. Begins anew {instant(cap.resets_at)}.
        </p>
        {share >= 100 && (
          <p class="field-error">
            Reached: pages are told that the model cannot be used now, and nothing more is computed until then.{" "}
            {isOwn ? "Raise or remove the cap below, and pages go on at once." : "Whoever runs the server can raise it."}
          </p>
        )}
      </div>
    </li>
  );
}

/** Why a text is no cap; nothing where it is one, or where nothing was typed yet. */
export function faultOfCap(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  const credits = Number(text);
  return Number.isInteger(credits) && credits >= 1 && credits <= CREDITS_MAX ? undefined : "A whole number of credits, at least 1.";
}

function CapForm({ target, own, changed }: { target: Target; own: Cap | undefined; changed: () => Promise<void> }): JSX.Element {
  const [text, setText] = useState("");
  const [said, say] = useState("");
  const set = useAction(async (credits: number | null) => {
    say("");
    await platform.setCap(target.whose, credits);
    await changed();
    setText("");
    say(credits === null ? `The cap on ${target.name} is removed.` : `From now on at most ${inCredits(credits)} are spent on ${target.name} in a month.`);
  });
  const fault = faultOfCap(text);
  const submit = (event: Event): void => {
    event.preventDefault();
    void set.run(Number(text));
  };
  return (
    <form onSubmit={submit} aria-label={`Cap on ${target.name}`}>
      <Field
        label={`Most credits a month for ${target.name}`}
        help="You are told at 50, 75, 90 and 100 %. Once it is reached, pages and back ends are refused until the month (UTC) ends, or until you raise it."
        error={fault}
        type="number"
        value={text}
        change={setText}
        placeholder={own === undefined ? "" : String(own.credits)}
      />
      <div class="row">
        <button type="submit" class="primary" disabled={set.busy || text.trim() === "" || fault !== undefined}>
          {own === undefined ? "Set the cap" : "Change the cap"}
        </button>
        {own !== undefined && (
          <Sure
            label="Remove the cap"
            describedAs={`Remove the cap on ${target.name}`}
            question={`Shall ${target.name} spend without the cap of ${inCredits(own.credits)} a month?`}
            confirm="Remove it"
            run={() => set.run(null)}
          />
        )}
      </div>
      {set.error !== undefined && <Failure error={set.error} />}
      {said && (
        <Notice tone="good" live>
          <p>{said}</p>
        </Notice>
      )}
    </form>
  );
}

/** What the server says of a cap, with names in place of ids and the reader's own time. */
export function noticeWords(description: string): string {
  return description
    .replace(/(?:user|organization|model):[0-9a-f-]{36}/g, (scope) => whoseName(scope).toLowerCase())
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (iso) => instantOf(iso));
}

/** What was told of caps that were reached to some share. */
export function CapNotices({ model }: { model?: string }): JSX.Element {
  const notices = useResource(`cap notices ${model ?? ""}`, () => platform.capNotices(model));
  const read = useAction(async (unread: Told[]) => {
    await Promise.all(unread.map(({ id }) => platform.readNotice(id)));
    await notices.reload();
  });
  return (
    <Fetched of={notices} rows={1}>
      {(list) => {
        const unread = list.filter((one) => !one.read);
        if (list.length === 0) return <Empty title="Nothing was told yet">When 50, 75, 90 and 100 % of a cap are reached, it is told here.</Empty>;
        return (
          <>
            <ul class="lines">
              {list.map((one) => (
                <li key={one.id}>
                  <div>
                    <p class={one.level === "error" ? "field-error" : ""}>
                      {!one.read && <strong>New: </strong>}
                      {noticeWords(one.description)}
                    </p>
                    <p class="fine">
                      {instant(one.created_at)}
                      {model === undefined && one.model_id !== null && (
                        <>
                          {" · "}
                          <a href={address("models", one.model_id, "usage")}>by the use of this model</a>
                        </>
                      )}
                    </p>
                  </div>
                </li>
              ))}
            </ul>
            {read.error !== undefined && <Failure error={read.error} />}
            {unread.length > 0 && (
              <button type="button" disabled={read.busy} onClick={() => void read.run(unread)}>
                Mark as read
              </button>
            )}
          </>
        );
      }}
    </Fetched>
  );
}
