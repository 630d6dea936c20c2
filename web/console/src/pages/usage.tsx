/** What was spent: by day and month, by model, and how far the caps are used. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Chart } from "../chart.js";
import { manages, platform, type Model, type Period } from "../platform.js";
import { useResource } from "../resource.js";
import { address } from "../router.js";
import { Choice, Empty, Fetched, Title } from "../ui.js";
import { startsOf, stretchesOf, totalOf } from "../usage.js";
import { credits as inCredits } from "../words.js";
import { Caps, CapNotices } from "./caps.js";
import { ADMINISTERS, MANAGES } from "./organization.js";

/** Models whose use is asked for one by one. */
const MODELS_MAX = 24;

const PERIODS: [Period, string][] = [
  ["day", "by day"],
  ["month", "by month"],
];

const now = (): number => Math.floor(Date.now() / 1000);

/** Bars of the account, an organization or a model. */
export function Plot({ name, model, organization }: { name: string; model?: string; organization?: string }): JSX.Element {
  const [period, setPeriod] = useState<Period>("day");
  const key = `metrics ${period} ${model ?? ""} ${organization ?? ""}`;
  const metrics = useResource(key, async () => {
    const at = now();
    const from = startsOf(period, at)[0] ?? at;
    const scope = { ...(model === undefined ? {} : { model }), ...(organization === undefined ? {} : { organization }) };
    return stretchesOf(await platform.metrics({ period, from, ...scope }), period, at);
  });
  return (
    <>
      <Choice label={`${name}, how it is shown`} options={PERIODS} value={period} change={setPeriod} />
      <Fetched of={metrics} rows={2}>
        {(stretches) =>
          totalOf(stretches) === 0 ? (
            <Empty title="Nothing was spent in this time">
              <p>Sessions of pages, computing and downloads cost credits. They stand here as soon as somebody uses the model.</p>
            </Empty>
          ) : (
            <Chart stretches={stretches} period={period} name={name} />
          )
        }
      </Fetched>
    </>
  );
}

export function UsagePage(): JSX.Element {
  const user = useResource("user", platform.user);
  const [scope, setScope] = useState("account");
  const organization = user.value?.organization_id ?? undefined;
  const isManager = user.value?.organization_role != null && MANAGES.includes(user.value.organization_role);
  const administers = user.value?.organization_role != null && ADMINISTERS.includes(user.value.organization_role);
  return (
    <>
      <Title title="Usage" />
      <div class="columns">
        <section class="panel wide" aria-labelledby="spent-heading">
          <h2 id="spent-heading">Credits</h2>
          {organization !== undefined && isManager && (
            <Choice
              label="Whose credits"
              options={[
                ["account", "your account"],
                ["organization", "your organization"],
              ]}
              value={scope}
              change={setScope}
            />
          )}
          {scope === "organization" && organization !== undefined ? (
            <Plot name="Credits of your organization" organization={organization} />
          ) : (
            <Plot name="Credits of your account" />
          )}
        </section>
        <section class="panel" aria-labelledby="models-heading">
          <h2 id="models-heading">By model, this month</h2>
          <ByModel />
        </section>
        <section class="panel" aria-labelledby="caps-heading">
          <h2 id="caps-heading">Caps</h2>
          <Caps {...(organization !== undefined && administers ? { organization } : {})} />
        </section>
        <section class="panel" aria-labelledby="notices-heading">
          <h2 id="notices-heading">Notices about caps</h2>
          <CapNotices />
        </section>
      </div>
    </>
  );
}

interface OfModel {
  model: Model;
  credits: number;
}

function ByModel(): JSX.Element {
  const rows = useResource("metrics by model", async (): Promise<OfModel[]> => {
    const { result } = await platform.models({ deleted: false, title: "" }, null);
    const at = now();
    const from = startsOf("month", at).at(-1) ?? at;
    const one = async (model: Model): Promise<OfModel> => {
      const metrics = await platform.metrics({ period: "month", from, model: model.id });
      return { model, credits: totalOf(stretchesOf(metrics, "month", at)) };
    };
    const all = await Promise.all(result.filter(manages).slice(0, MODELS_MAX).map(one));
    return all.sort((a, b) => b.credits - a.credits);
  });
  return (
    <Fetched of={rows}>
      {(list) => {
        const most = Math.max(1, ...list.map(({ credits }) => credits));
        if (list.length === 0) return <Empty title="No models yet" />;
        return (
          <>
            <ul class="lines">
              {list.map(({ model, credits }) => (
                <li key={model.id}>
                  <div class="cap">
                    <p class="between">
                      <a href={address("models", model.slug, "usage")}>{model.title}</a>
                      <span>{credits.toLocaleString()}</span>
                    </p>
                    <progress aria-label={`${model.title}: ${inCredits(credits)}`} max={most} value={credits} />
                  </div>
                </li>
              ))}
            </ul>
            {list.length === MODELS_MAX && <p class="fine">The newest {MODELS_MAX} models; each model’s own page has its use.</p>}
          </>
        );
      }}
    </Fetched>
  );
}
