/** With whom a model is shared: single users right by right, and whoever has its link. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { config } from "../config.js";
import { people, type Right, type Shared } from "../people.js";
import { platform, type Member } from "../platform.js";
import { useResource } from "../resource.js";
import { address } from "../router.js";
import { Empty, Failure, Fetched, Field, Snippet, Sure, Switch, Tick, useAction } from "../ui.js";
import type { TabProps } from "./model.js";
import { MANAGES } from "./organization.js";

const RIGHTS: [Right, string, string][] = [
  ["SharedModelPolicyView", "Look at it", "see it in their list, open it and change its parameters"],
  ["SharedModelPolicyExport", "Download what it makes", "its exports, and files of its outputs"],
  ["SharedModelPolicyBackendApi", "Compute with it from a back end", "its back-end ticket, where back ends may compute"],
  ["SharedModelPolicyDownload", "Download its file", "the script itself"],
];
const VIEW: Right = "SharedModelPolicyView";

const wordOf = (right: Right): string => RIGHTS.find(([id]) => id === right)?.[1].toLowerCase() ?? right;

export function SharingTab({ model, changed }: TabProps): JSX.Element {
  return (
    <div class="columns">
      <Users model={model} />
      <Link model={model} changed={changed} />
    </div>
  );
}

/** Those whom the account may name, beside the ids that it is told. */
async function membersToChoose(): Promise<Member[]> {
  const user = await platform.user();
  if (user.organization_id === null || user.organization_role === null || !MANAGES.includes(user.organization_role)) return [];
  return (await platform.members(user.organization_id)).result.filter(({ id }) => id !== user.id);
}

const nameOf = ({ user, user_id }: Shared): string => user.first_name || user_id;

function Users({ model }: { model: TabProps["model"] }): JSX.Element {
  const shares = useResource(`shares ${model.id}`, () => people.shares(model.id));
  const members = useResource("members to share with", membersToChoose);
  const [said, say] = useState("");
  const end = async (one: Shared): Promise<void> => {
    for (const { id } of one.policies) await people.unshare(id);
    say(`The model is shared with ${nameOf(one)} no longer.`);
    await shares.reload();
  };
  return (
    <section class="panel" aria-labelledby="shares-heading">
      <h2 id="shares-heading">Single users</h2>
      <p class="fine">Each of them finds the model in the list of their own account. None of them may change it.</p>
      <Share
        members={members.value ?? []}
        share={async (user, rights) => {
          await people.share(model.id, user, rights);
          say("The model is shared.");
          await shares.reload();
        }}
      />
      <p role="status" class="said">
        {said}
      </p>
      <Fetched of={shares} rows={1}>
        {(list) =>
          list.length === 0 ? (
            <Empty title="Shared with nobody yet" />
          ) : (
            <ul class="lines">
              {list.map((one) => (
                <li key={one.user_id}>
                  <div>
                    <p>
                      <strong>{nameOf(one)}</strong>
                    </p>
                    <p class="fine">may {one.policies.map(({ policy_alias }) => wordOf(policy_alias)).join(", ")}</p>
                    <p class="fine">
                      <code>{one.user_id}</code>
                    </p>
                  </div>
                  <Sure
                    label="Stop sharing"
                    describedAs={`Stop sharing with ${nameOf(one)}`}
                    question={`Stop sharing “${model.title}” with ${nameOf(one)}? Their tickets and tokens for it end too.`}
                    confirm="Stop sharing it"
                    run={() => end(one)}
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

function Share({ members, share }: { members: Member[]; share: (user: string, rights: Right[]) => Promise<void> }): JSX.Element {
  const [user, setUser] = useState("");
  const [rights, setRights] = useState<Right[]>([VIEW]);
  const give = useAction(async () => {
    await share(user.trim(), rights);
    setUser("");
  });
  const tick = (right: Right, on: boolean): void => setRights(on ? [...rights, right] : rights.filter((one) => one !== right));
  const submit = (event: Event): void => {
    event.preventDefault();
    void give.run();
  };
  return (
    <form onSubmit={submit}>
      <Field
        label="The user’s id"
        help={members.length > 0 ? "Choose a member of your organization, or write the id that stands on somebody’s account page." : "It stands on their account page: nobody is found here by name or address."}
        value={user}
        change={setUser}
        list="members-to-share-with"
        required
        verbatim
      />
      <datalist id="members-to-share-with">
        {members.map((member) => (
          <option key={member.id} value={member.id}>
            {member.first_name || member.email}
          </option>
        ))}
      </datalist>
      <fieldset class="ticks">
        <legend>What they may</legend>
        {RIGHTS.map(([right, word, what]) => (
          <Tick key={right} label={word} help={what} on={right === VIEW || rights.includes(right)} disabled={right === VIEW} change={(on) => tick(right, on)} />
        ))}
      </fieldset>
      <button type="submit" class="primary" disabled={give.busy || user.trim() === ""}>
        Share it
      </button>
      {give.error !== undefined && <Failure error={give.error} />}
    </form>
  );
}

function Link({ model, changed }: Pick<TabProps, "model" | "changed">): JSX.Element {
  const [said, say] = useState("");
  const save = useAction(async (on: boolean) => {
    say("");
    changed(await platform.change(model.id, { link_sharing: on }));
    say(on ? "Whoever has the link sees the model." : "The link is good no longer. Another one is made if you turn it on again.");
  });
  const slug = model.link_sharing_slug;
  return (
    <section class="panel" aria-labelledby="link-heading">
      <h2 id="link-heading">By a link</h2>
      <Switch
        label="Share it by a link"
        help="Whoever has the link and an account on this server looks at the model and downloads from it. It stands in nobody’s list."
        on={slug != null}
        busy={save.busy}
        change={(on) => void save.run(on)}
      />
      {slug != null && <Snippet name="link" text={`${config.publicUrl}/${address("models", slug)}`} />}
      {save.error !== undefined && <Failure error={save.error} />}
      <p role="status" class="said">
        {said}
      </p>
    </section>
  );
}
