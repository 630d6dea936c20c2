/** Partners of the drawing editor: whose back ends ask for editor tokens, by which keys. For administrators of the server. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { operator, type Partner, type PartnerKey } from "../operator.js";
import { usePages } from "../resource.js";
import { Badge, Empty, Failure, Fetched, Field, More, Select, ShownOnce, Snippet, Sure, Switch, Title, useAction } from "../ui.js";
import { day, instant } from "../words.js";

const OVERLAPS: [string, string][] = [
  ["604800", "for 7 more days"],
  ["3600", "for one more hour"],
  ["0", "no longer"],
];

interface Made {
  of: string;
  secret: string;
}

export function PartnersPage(): JSX.Element {
  const partners = usePages("partners", operator.partners);
  const [made, setMade] = useState<Made>();
  const shown = async (of: string, secret: string): Promise<void> => {
    setMade({ of, secret });
    await partners.reload();
  };
  return (
    <>
      <Title title="Partners" />
      <p class="fine">
        A partner’s back end trades its key for editor tokens; its pages open the drawing editor with them. Where a partner’s drawings lie is set with{" "}
        <code>vitrine partner set</code> on the server.
      </p>
      {made && (
        <ShownOnce title={`The new key of ${made.of}`} done={() => setMade(undefined)}>
          <Snippet name="partner key" text={made.secret} />
        </ShownOnce>
      )}
      <Fetched of={partners}>
        {(page) => (
          <div class="columns">
            {page.result.length === 0 ? (
              <Empty title="No partners yet">
                <p>Make the first one beside, or with “vitrine partner create”.</p>
              </Empty>
            ) : (
              page.result.map((partner) => <PartnerPanel key={partner.id} partner={partner} shown={shown} reload={partners.reload} />)
            )}
            <NewPartner shown={shown} />
          </div>
        )}
      </Fetched>
      {partners.value && <More of={partners} page={partners.value} />}
    </>
  );
}

interface PanelProps {
  partner: Partner;
  shown: (of: string, secret: string) => Promise<void>;
  reload: () => Promise<void>;
}

function PartnerPanel({ partner, shown, reload }: PanelProps): JSX.Element {
  const [overlap, setOverlap] = useState("604800");
  const [said, say] = useState("");
  const block = useAction(async (blocked: boolean) => {
    await operator.changePartner(partner.id, { blocked });
    await reload();
  });
  const rotate = useAction(async () => {
    const key = await operator.rotatePartnerKey(partner.id, Number(overlap));
    await shown(partner.name, key.secret);
  });
  const heading = `partner-${partner.id}`;
  const live = partner.keys.filter(({ revoked_at }) => revoked_at === null);
  return (
    <section class="panel" aria-labelledby={heading}>
      <div class="page-head">
        <h2 id={heading}>{partner.name}</h2>
        {partner.blocked && <Badge tone="bad">Blocked</Badge>}
      </div>
      <dl class="facts">
        <div>
          <dt>Application id</dt>
          <dd>
            <code>{partner.app_id}</code>
          </dd>
        </div>
        <div>
          <dt>Pages with the editor</dt>
          <dd>{partner.origins.length === 0 ? "none" : partner.origins.join(", ")}</dd>
        </div>
        <div>
          <dt>Drawings</dt>
          <dd>{partner.content === null ? "no bucket is set" : <code>{partner.content}</code>}</dd>
        </div>
        <div>
          <dt>Made</dt>
          <dd>{day(partner.created_at)}</dd>
        </div>
      </dl>
      <h3>Keys</h3>
      {live.length === 0 ? (
        <p class="fine">No key is good: the partner can make no tokens.</p>
      ) : (
        <ul class="lines">
          {live.map((key) => (
            <KeyLine key={key.id} partner={partner} of={key} reload={reload} />
          ))}
        </ul>
      )}
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          void rotate.run();
        }}
      >
        <Select label={`Keys of ${partner.name} stay good`} options={OVERLAPS} value={overlap} change={setOverlap} />
        <button type="submit" disabled={rotate.busy} aria-label={`Make a new key for ${partner.name}`}>
          Make a new key
        </button>
      </form>
      {rotate.error !== undefined && <Failure error={rotate.error} />}
      <RevokeTokens partner={partner} say={say} />
      <Switch
        label={`Block ${partner.name}`}
        help="Its keys and tokens are refused, and open editors stop, until you take this back."
        on={partner.blocked}
        busy={block.busy}
        change={(on) => void block.run(on)}
      />
      {block.error !== undefined && <Failure error={block.error} />}
      <p role="status" class="said">
        {said}
      </p>
    </section>
  );
}

function KeyLine({ partner, of: key, reload }: { partner: Partner; of: PartnerKey; reload: () => Promise<void> }): JSX.Element {
  return (
    <li>
      <div>
        <p>
          ends with <code>{key.ends_with}</code>
        </p>
        <p class="fine">
          made {day(key.created_at)}, {key.valid_until === null ? "no end" : `until ${instant(key.valid_until)}`}
        </p>
      </div>
      <Sure
        label="Revoke"
        describedAs={`Revoke the key of ${partner.name} that ends with ${key.ends_with}`}
        question={`Revoke this key of ${partner.name}? Every editor token that it made ends at once, and open editors with it.`}
        confirm="Revoke the key"
        run={async () => {
          await operator.revokePartnerKey(partner.id, key.id);
          await reload();
        }}
      />
    </li>
  );
}

function RevokeTokens({ partner, say }: { partner: Partner; say: (words: string) => void }): JSX.Element {
  const [user, setUser] = useState("");
  const revoke = useAction(async () => {
    const { revoked } = await operator.revokeEditorTokens(partner.id, user.trim());
    say(revoked === 1 ? `1 token of ${user.trim()} has ended.` : `${revoked} tokens of ${user.trim()} have ended.`);
    setUser("");
  });
  return (
    <details class="help">
      <summary>End the editor tokens of one user</summary>
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          void revoke.run();
        }}
      >
        <Field label="User" help={`As ${partner.name} names them in userId.`} value={user} change={setUser} verbatim required />
        <button type="submit" class="danger" disabled={revoke.busy || user.trim() === ""}>
          End the tokens
        </button>
        {revoke.error !== undefined && <Failure error={revoke.error} />}
      </form>
    </details>
  );
}

function NewPartner({ shown }: { shown: (of: string, secret: string) => Promise<void> }): JSX.Element {
  const [name, setName] = useState("");
  const [origin, setOrigin] = useState("");
  const make = useAction(async () => {
    const origins = origin.trim() === "" ? [] : [origin.trim()];
    const partner = await operator.createPartner({ name: name.trim(), origins });
    setName("");
    setOrigin("");
    await shown(partner.name, partner.key.secret);
  });
  return (
    <section class="panel" aria-labelledby="new-partner-heading">
      <h2 id="new-partner-heading">A new partner</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void make.run();
        }}
      >
        <Field label="Name" value={name} change={setName} required />
        <Field label="Page that may frame the editor" help="Its domain, as for models; it can be left empty." placeholder="cad.example.com" value={origin} change={setOrigin} verbatim />
        <button type="submit" class="primary" disabled={make.busy || name.trim() === ""}>
          Make a partner
        </button>
        {make.error !== undefined && <Failure error={make.error} />}
      </form>
    </section>
  );
}
