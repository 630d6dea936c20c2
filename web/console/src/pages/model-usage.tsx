/** What a model's use cost. */
import type { JSX } from "preact";
import type { TabProps } from "./model.js";
import { Caps, CapNotices } from "./caps.js";
import { Plot } from "./usage.js";

export function UsageTab({ model }: TabProps): JSX.Element {
  return (
    <div class="columns">
      <section class="panel wide" aria-labelledby="model-usage-heading">
        <h2 id="model-usage-heading">Credits</h2>
        <Plot name={`Credits of ${model.title}`} model={model.id} />
      </section>
      <section class="panel" aria-labelledby="model-caps-heading">
        <h2 id="model-caps-heading">Caps</h2>
        <Caps model={model.id} />
      </section>
      <section class="panel" aria-labelledby="model-notices-heading">
        <h2 id="model-notices-heading">Notices about caps</h2>
        <CapNotices model={model.id} />
      </section>
    </div>
  );
}
