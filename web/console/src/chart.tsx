/** Bars over time, with the same numbers as a table: for readers of the screen, and for everybody who wants them exact. */
import type { JSX } from "preact";
import type { Period } from "./platform.js";
import { KINDS, niceMax, totalOf, type Stretch } from "./usage.js";
import { credits as inCredits, stretchName } from "./words.js";

const WIDTH = 600;
const HEIGHT = 160;
/** Share of a stretch's room that its bar fills. */
const FILL = 0.72;
/** Something is seen as something. */
const BAR_MIN = 2;

export function Chart({ stretches, period, name }: { stretches: Stretch[]; period: Period; name: string }): JSX.Element {
  const end = niceMax(Math.max(...stretches.map(({ total }) => total)));
  const room = WIDTH / stretches.length;
  const total = totalOf(stretches);
  const [first, last] = [stretches[0], stretches[stretches.length - 1]];
  return (
    <figure class="chart">
      <figcaption>
        <strong>{inCredits(total)}</strong> <span class="fine">{period === "day" ? "in 31 days" : "in 12 months"} (UTC)</span>
      </figcaption>
      <div class="plot">
        <div class="axis" aria-hidden="true">
          <span>{end.toLocaleString()}</span>
          <span>{end > 1 ? (end / 2).toLocaleString() : ""}</span>
          <span>0</span>
        </div>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${name}: ${inCredits(total)}. The table below has each number.`}>
          {[0, 0.5, 1].map((share) => (
            <line key={share} class="grid" x1={0} x2={WIDTH} y1={share * HEIGHT} y2={share * HEIGHT} vector-effect="non-scaling-stroke" />
          ))}
          {stretches.map(({ at, total: credits }, index) => {
            const height = credits === 0 ? 0 : Math.max(BAR_MIN, (credits / end) * HEIGHT);
            return (
              <rect key={at} class="bar" x={index * room + (room * (1 - FILL)) / 2} width={room * FILL} y={HEIGHT - height} height={height}>
                <title>{`${stretchName(at, period)}: ${inCredits(credits)}`}</title>
              </rect>
            );
          })}
        </svg>
        <div class="ends fine" aria-hidden="true">
          <span>{first && stretchName(first.at, period)}</span>
          <span>{last && stretchName(last.at, period)}</span>
        </div>
      </div>
      <details class="help">
        <summary>The numbers as a table</summary>
        <Numbers stretches={stretches} period={period} name={name} />
      </details>
    </figure>
  );
}

function Numbers({ stretches, period, name }: { stretches: Stretch[]; period: Period; name: string }): JSX.Element {
  const used = stretches.filter(({ total }) => total > 0).reverse();
  if (used.length === 0) return <p class="fine">Nothing was spent.</p>;
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label={`Table: ${name}`}>
      <table>
        <caption class="visually-hidden">{name}, in credits</caption>
        <thead>
          <tr>
            <th scope="col">{period === "day" ? "Day" : "Month"}</th>
            {KINDS.map(({ id, word }) => (
              <th scope="col" key={id} class="number">
                {word}
              </th>
            ))}
            <th scope="col" class="number">
              Together
            </th>
          </tr>
        </thead>
        <tbody>
          {used.map(({ at, credits, total }) => (
            <tr key={at}>
              <th scope="row">{stretchName(at, period)}</th>
              {KINDS.map(({ id }) => (
                <td key={id} class="number">
                  {credits[id].toLocaleString()}
                </td>
              ))}
              <td class="number">{total.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
