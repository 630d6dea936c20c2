/** Who has the model open now. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type LiveSession } from "../platform.js";
import { useEvery, useResource } from "../resource.js";
import { Badge, Empty, Fetched, Sure } from "../ui.js";
import { ago } from "../words.js";
import type { TabProps } from "./model.js";

/** How often the list is fetched anew while it is looked at. */
const REFRESH_MS = 10_000;

export function SessionsTab({ model }: TabProps): JSX.Element {
  const sessions = useResource(`sessions ${model.id}`, () => platform.sessions(model.id));
  const [said, say] = useState("");
  useEvery(REFRESH_MS, true, sessions.reload);
  const end = async (session: LiveSession): Promise<void> => {
    await platform.endSession(model.id, session.alias);
    say("The session has ended.");
    await sessions.reload();
  };
  return (
    <section class="panel" aria-labelledby="sessions-heading">
      <div class="page-head">
        <h2 id="sessions-heading">Live sessions</h2>
        <button type="button" disabled={sessions.waiting} onClick={() => void sessions.reload()}>
          Refresh
        </button>
      </div>
      <p class="fine">
        Each page and program that has the model open now. One that you end stops at once; a page may open another one while its ticket is good.
      </p>
      <p role="status" class="said">
        {said}
      </p>
      <Fetched of={sessions}>
        {(list) =>
          list.length === 0 ? (
            <Empty title="Nobody has the model open">
              <p>Sessions appear here as soon as a page shows the model.</p>
            </Empty>
          ) : (
            <ul class="lines">
              {list.map((session) => (
                <li key={session.alias}>
                  <div>
                    <p class="row">
                      <strong>{placeOf(session)}</strong>
                      {session.author && <Badge tone="quiet">author</Badge>}
                    </p>
                    <p class="fine">
                      opened {ago(session.opened_at)}, last used {ago(session.last_seen_at)}
                      {session.subject && <>, token of {session.subject}</>}
                    </p>
                    <p class="fine">
                      <code>{session.alias}</code>
                    </p>
                  </div>
                  <Sure
                    label="End"
                    describedAs={`End the session of ${placeOf(session)}, opened ${ago(session.opened_at)}`}
                    question={`End the session of ${placeOf(session)}? Its files stop loading at once.`}
                    confirm="End the session"
                    run={() => end(session)}
                  />
                </li>
              ))}
            </ul>
          )
        }
      </Fetched>
    </section>
  );
}

/** The page as an origin, or the kind of program where there is none. */
function placeOf(session: LiveSession): string {
  if (session.origin?.startsWith("http")) return session.origin;
  if (session.origin === null) return session.subject === null ? "a back end" : "a program with a token";
  return "a page inside our iframe";
}
