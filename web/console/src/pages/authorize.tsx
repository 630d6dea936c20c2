/** An application of others asks whether it may act for the person who is signed in. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { account } from "../api.js";
import { useResource } from "../resource.js";
import { Failure, Fetched, Title, useAction } from "../ui.js";

const MEMBERS = ["client_id", "redirect_uri", "response_type", "state", "code_challenge", "code_challenge_method"] as const;

/** What the server has put into the address; it has looked at all of it, and does so again. */
function asked(): Record<string, string> {
  const query = new URLSearchParams(location.search);
  const found: Record<string, string> = {};
  for (const member of MEMBERS) {
    const value = query.get(member);
    if (value !== null) found[member] = value;
  }
  return found;
}

export function AuthorizePage(): JSX.Element {
  const [request] = useState(asked);
  const client = request["client_id"] ?? "";
  const application = useResource(`client ${client}`, () =>
    account.call<{ client_name: string }>("GET", `/api/v1/apiclients/${encodeURIComponent(client)}`),
  );
  const agree = useAction(async () => {
    const answer = await account.ask<{ location: string }>("POST", "/oauth/authorize", request);
    location.assign(answer.location);
  });
  return (
    <main id="main" class="narrow">
      <Title title="An application asks">An application asks</Title>
      <Fetched of={application} rows={2}>
        {({ client_name: name }) => (
          <>
            <p>
              <strong>{name}</strong> wants to act for you here: to see and change your models, and to give out tickets and tokens for them. It cannot make access keys or
              change how you sign in.
            </p>
            <p class="fine">
              You then go to <code>{request["redirect_uri"] ?? ""}</code>. You can end it at any time under Account, where you are signed in.
            </p>
            {agree.error !== undefined && <Failure error={agree.error} />}
            <p class="actions">
              <button type="button" class="primary" disabled={agree.busy} onClick={() => void agree.run()}>
                Allow it
              </button>{" "}
              <a href="/">Do not</a>
            </p>
          </>
        )}
      </Fetched>
    </main>
  );
}
