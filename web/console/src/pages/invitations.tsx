/** Invitations: those that an organization has open, and those that wait for the account's answer. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { people, type Invitation, type NewInvitation } from "../people.js";
import type { Role } from "../platform.js";
import { useResource } from "../resource.js";
import { Empty, Failure, Fetched, Field, Select, ShownOnce, Snippet, Sure, useAction } from "../ui.js";
import { ago, day } from "../words.js";

const wordOf = (roles: [Role, string][], role: Role): string => roles.find(([id]) => id === role)?.[1] ?? role;

/** `roles`: what those who are invited may become, with its word. */
export function InvitationsPanel({ organization, roles }: { organization: string; roles: [Role, string][] }): JSX.Element {
  const open = useResource(`invitations ${organization}`, () => people.invitations(organization));
  const [made, setMade] = useState<NewInvitation>();
  const [said, say] = useState("");
  const withdraw = async (one: Invitation): Promise<void> => {
    await people.withdraw(organization, one.id);
    say("The invitation is withdrawn: its link is good no longer.");
    await open.reload();
  };
  return (
    <section class="panel" aria-labelledby="invitations-heading">
      <h2 id="invitations-heading">Invitations</h2>
      {made && (
        <ShownOnce title={`The link for ${made.email ?? "them"}`} done={() => setMade(undefined)}>
          <p>Send it to them yourself: this server sends no mail. It is good once, until {day(made.valid_until)}.</p>
          <Snippet name="invitation link" text={made.link} />
        </ShownOnce>
      )}
      <Invite
        roles={roles}
        invite={async (email, role) => {
          say("");
          setMade(await people.invite(organization, email, role));
          await open.reload();
        }}
      />
      <p role="status" class="said">
        {said}
      </p>
      <Fetched of={open} rows={1}>
        {(list) =>
          list.length === 0 ? (
            <Empty title="No invitation is open" />
          ) : (
            <ul class="lines">
              {list.map((one) => (
                <li key={one.id}>
                  <div>
                    <p>
                      <strong>{one.email ?? one.receiver_id}</strong>
                    </p>
                    <p class="fine">
                      as {wordOf(roles, one.organization_role).toLowerCase()}, made {ago(one.created_at)}, until {day(one.valid_until)}
                    </p>
                  </div>
                  <Sure
                    label="Withdraw"
                    describedAs={`Withdraw the invitation of ${one.email ?? one.receiver_id ?? "somebody"}`}
                    question={`Withdraw the invitation of ${one.email ?? "this user"}?`}
                    confirm="Withdraw it"
                    run={() => withdraw(one)}
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

function Invite({ roles, invite }: { roles: [Role, string][]; invite: (email: string, role: Role) => Promise<void> }): JSX.Element {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("user");
  const make = useAction(async () => {
    await invite(email.trim(), role);
    setEmail("");
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    void make.run();
  };
  return (
    <form onSubmit={submit}>
      <Field label="Whom to invite" help="Their e-mail address: the link is good for it alone." type="email" value={email} change={setEmail} required verbatim />
      <Select label="As" options={roles} value={role} change={setRole} />
      <button type="submit" class="primary" disabled={make.busy || email.trim() === ""}>
        Make an invitation
      </button>
      {make.error !== undefined && <Failure error={make.error} />}
    </form>
  );
}

/** What organizations have asked the account; nothing, where none has. */
export function InvitationsForYou({ roles, joined }: { roles: [Role, string][]; joined: () => Promise<void> }): JSX.Element {
  const person = useResource("invitations for the account", people.self);
  const accept = useAction(async (one: Invitation) => {
    await people.accept(one.organization_id);
    await joined();
  });
  const decline = useAction(async (one: Invitation) => {
    await people.decline(one.organization_id);
    await person.reload();
  });
  return (
    <Fetched of={person} rows={1}>
      {({ invitations }) =>
        invitations.length > 0 && (
          <section class="panel" aria-labelledby="for-you-heading">
            <h2 id="for-you-heading">You are invited</h2>
            {(accept.error ?? decline.error) !== undefined && <Failure error={accept.error ?? decline.error} />}
            <ul class="lines">
              {invitations.map((one) => (
                <li key={one.id}>
                  <div>
                    <p>
                      <strong>{one.organization_name ?? one.organization_id}</strong>
                    </p>
                    <p class="fine">
                      as {wordOf(roles, one.organization_role).toLowerCase()}, until {day(one.valid_until)}
                    </p>
                  </div>
                  <div class="row">
                    <button type="button" class="primary" disabled={accept.busy} onClick={() => void accept.run(one)}>
                      Join
                    </button>
                    <button type="button" disabled={decline.busy} onClick={() => void decline.run(one)}>
                      Decline
                    </button>
                  </div>
                </li>
              ))}
            </ul>
          </section>
        )
      }
    </Fetched>
  );
}
