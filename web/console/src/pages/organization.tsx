/** The organization: who is in it, what they may do, and what holds for all its models. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { platform, type Features, type Member, type Organization, type Role, type User } from "../platform.js";
import { useResource } from "../resource.js";
import { Empty, Failure, Fetched, Field, Select, Switch, Title, useAction } from "../ui.js";
import { day } from "../words.js";
import { DomainList } from "./domain-list.js";
import { InvitationsForYou, InvitationsPanel } from "./invitations.js";

const ROLES: [Role, string, string][] = [
  ["owner", "Owner", "everything, other owners included"],
  ["admin", "Administrator", "members, domains, and all models"],
  ["manager", "Manager", "all models, members to be seen, usage"],
  ["user", "Member", "models of their own, and those shown to the organization"],
  ["consumer", "Consumer", "only looks at models that are shown to the organization"],
  ["suspended", "Suspended", "nothing"],
];
/** Roles that see members, usage and every model. */
export const MANAGES: Role[] = ["owner", "admin", "manager"];
/** Roles that change members, domains and caps. */
export const ADMINISTERS: Role[] = ["owner", "admin"];
/** The roles with their words alone. */
const WORDS: [Role, string][] = ROLES.map(([id, word]) => [id, word]);
const NAME_CHARS_MIN = 5;

const roleWord = (role: Role): string => ROLES.find(([id]) => id === role)?.[1] ?? role;

export function OrganizationPage(): JSX.Element {
  const user = useResource("user with organization", platform.user);
  return (
    <>
      <Title title="Organization" />
      <Fetched of={user}>
        {(value) =>
          value.organization_id === null ? (
            <div class="columns">
              <InvitationsForYou roles={WORDS} joined={user.reload} />
              <NewOrganization done={user.reload} />
            </div>
          ) : <Known id={value.organization_id} user={value} />
        }
      </Fetched>
    </>
  );
}

function NewOrganization({ done }: { done: () => Promise<void> }): JSX.Element {
  const [name, setName] = useState("");
  const make = useAction(async () => {
    await platform.createOrganization(name.trim());
    await done();
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    void make.run();
  };
  return (
    <section class="panel" aria-labelledby="new-organization-heading">
      <h2 id="new-organization-heading">You belong to no organization</h2>
      <p>In an organization several people look after the same models. You would be its owner; models that you make from then on belong to it too.</p>
      <form onSubmit={submit}>
        <Field label="Name of the organization" help={`At least ${NAME_CHARS_MIN} characters.`} value={name} change={setName} required />
        <button type="submit" class="primary" disabled={make.busy || name.trim().length < NAME_CHARS_MIN}>
          Make an organization
        </button>
        {make.error !== undefined && <Failure error={make.error} />}
      </form>
    </section>
  );
}

function Known({ id, user }: { id: string; user: User }): JSX.Element {
  const organization = useResource(`organization ${id}`, () => platform.organization(id));
  const role = user.organization_role ?? "suspended";
  const administers = ADMINISTERS.includes(role);
  return (
    <Fetched of={organization}>
      {(value) => (
        <div class="columns">
          <section class="panel" aria-labelledby="organization-heading">
            <h2 id="organization-heading">{value.name}</h2>
            <dl class="facts">
              <div>
                <dt>Your role</dt>
                <dd>
                  {roleWord(role)}: {ROLES.find(([one]) => one === role)?.[2]}
                </dd>
              </div>
              <Plan features={value.features} />
              <div>
                <dt>Made</dt>
                <dd>{day(value.created_at)}</dd>
              </div>
              <div>
                <dt>Id</dt>
                <dd>
                  <code>{value.id}</code>
                </dd>
              </div>
            </dl>
          </section>
          {MANAGES.includes(role) ? <Members organization={id} user={user} administers={administers} /> : <NoMembers />}
          {administers && <InvitationsPanel organization={id} roles={WORDS.filter(([one]) => one !== "suspended" && (one !== "owner" || role === "owner"))} />}
          {administers && <Rules organization={value} changed={organization.set} />}
        </div>
      )}
    </Fetched>
  );
}

/** What a plan may leave out that is served here, in words that go on after “without”. */
const FEATURES: [string, string][] = [
  ["direct_embedding", "embedding beside iframes"],
  ["backend_api", "sessions of back ends"],
  ["platform_api", "access keys"],
];
/** From here on a number stands for no bound. */
const UNBOUNDED = 1_000_000_000;

/** “a”, “a and b”, “a, b and c”. */
export function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}

/** What a plan allows, as one sentence. */
export function planWords({ feature, limit }: Features): string {
  const some = (name: string, one: string, many: string): string | undefined => {
    const most = limit[name];
    if (most === undefined || most >= UNBOUNDED) return undefined;
    return `${most.toLocaleString()} ${most === 1 ? one : many}`;
  };
  const bounds = [
    some("max_accessdomains", "domain in each list", "domains in each list"),
    some("max_credits_per_month", "credit a month", "credits a month"),
    some("max_users", "seat in an organization", "seats in an organization"),
  ].filter((one) => one !== undefined);
  const missing = FEATURES.filter(([name]) => feature[name] === false).map(([, words]) => words);
  const most = bounds.length === 0 ? "No bounds" : `At most ${listed(bounds)}`;
  return `${most}${missing.length === 0 ? "" : `, without ${listed(missing)}`}.`;
}

/** The plan, as lines of a list of facts. */
export function Plan({ features }: { features: Features }): JSX.Element {
  return (
    <div>
      <dt>Plan</dt>
      <dd>
        <span class="plan">{features.plan}</span>
        <p class="fine">{planWords(features)}</p>
      </dd>
    </div>
  );
}

function NoMembers(): JSX.Element {
  return (
    <section class="panel" aria-labelledby="members-heading">
      <h2 id="members-heading">Members</h2>
      <p>Managers of the organization see who belongs to it.</p>
    </section>
  );
}

function Members({ organization, user, administers }: { organization: string; user: User; administers: boolean }): JSX.Element {
  const members = useResource(`members ${organization}`, () => platform.members(organization));
  const [said, say] = useState("");
  const change = useAction(async (member: Member, role: Role) => {
    say("");
    await platform.changeMember(organization, member.id, role);
    say(`${nameOf(member)} is ${roleWord(role).toLowerCase()} now.`);
    await members.reload();
  });
  return (
    <section class="panel" aria-labelledby="members-heading">
      <h2 id="members-heading">Members</h2>
      <p role="status" class="said">
        {said}
      </p>
      {change.error !== undefined && <Failure error={change.error} />}
      <Fetched of={members}>
        {(page) => (
          <>
            <p class="fine">
              {page.result.length === 1 ? "1 seat is" : `${page.result.length} seats are`} taken.
              {page.result.length === 1 && " You are alone here so far."}
            </p>
            {page.result.length === 0 ? (
              <Empty title="Nobody belongs to it" />
            ) : (
              <ul class="lines">
                {page.result.map((member) => (
                  <li key={member.id}>
                    <div>
                      <p>
                        <strong>{nameOf(member)}</strong>
                        {member.id === user.id && <span class="fine"> you</span>}
                      </p>
                      <p class="fine">{member.email ?? "no address"}</p>
                    </div>
                    {administers && member.id !== user.id ? (
                      <div class="row role">
                        <Select
                          label={`Role of ${nameOf(member)}`}
                          hidden
                          busy={change.busy || (member.organization_role === "owner" && user.organization_role !== "owner")}
                          options={ROLES.filter(([id]) => id !== "owner" || user.organization_role === "owner" || member.organization_role === "owner").map(([id, word]) => [id, word])}
                          value={member.organization_role}
                          change={(role) => void change.run(member, role)}
                        />
                      </div>
                    ) : (
                      <span class="fine">{roleWord(member.organization_role)}</span>
                    )}
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </Fetched>
      <details class="help">
        <summary>What the roles may do</summary>
        <dl class="facts">
          {ROLES.map(([id, word, what]) => (
            <div key={id}>
              <dt>{word}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}

const nameOf = (member: Member): string => member.first_name || member.email || member.id;

function Rules({ organization, changed }: { organization: Organization; changed: (value: Organization) => void }): JSX.Element {
  const [said, say] = useState("");
  const save = useAction(async (change: { accessdomains?: string[]; force_require_token?: boolean }, words: string) => {
    say("");
    await platform.changeOrganization(organization.id, change);
    changed(await platform.organization(organization.id));
    say(words);
  });
  return (
    <section class="panel" aria-labelledby="rules-heading">
      <h2 id="rules-heading">For all its models</h2>
      <DomainList
        help="Pages of these domains may show those models whose settings say so."
        empty="No domain is allowed for all"
        domains={organization.accessdomains.map(({ name }) => name)}
        busy={save.busy}
        save={(list, words) => save.run({ accessdomains: list }, words)}
      />
      <Switch
        label="Strong authorization for all"
        help="Every model of the organization asks for an access token beside the ticket, whatever its own switch says."
        on={organization.force_require_token}
        busy={save.busy}
        change={(on) => void save.run({ force_require_token: on }, on ? "Every model asks for a token now." : "Each model decides by its own switch again.")}
      />
      {save.error !== undefined && <Failure error={save.error} />}
      <p role="status" class="said">
        {said}
      </p>
    </section>
  );
}
