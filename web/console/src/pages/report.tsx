/** Why a file was refused, with the lines around the fault where the file is at hand. */
import type { JSX } from "preact";
import { excerptOf, reportOf } from "../report.js";

export function RefusedFile({ sentence, source, filename }: { sentence: string; source?: string | undefined; filename?: string | null }): JSX.Element {
  const { line, message, advice } = reportOf(sentence);
  const lines = line !== undefined && source !== undefined ? excerptOf(source, line) : [];
  return (
    <section class="notice bad report" role="alert" aria-labelledby="report-heading">
      <h2 id="report-heading">
        {filename ? <>{filename} was refused</> : "The file was refused"}
        {line !== undefined && <> in line {line}</>}
      </h2>
      <p class="said-by-script">{message}</p>
      {lines.length > 0 && (
        <pre tabIndex={0} role="region" aria-label="The lines around the fault" class="excerpt">
          {lines.map(({ number, text, faulty }) => (
            <code key={number} class={faulty ? "faulty" : ""}>
              <span class="number">
                {faulty ? "▸ " : ""}
                {number}
              </span>
              {text || " "}
              {"\n"}
            </code>
          ))}
        </pre>
      )}
      <p>{advice}</p>
    </section>
  );
}
