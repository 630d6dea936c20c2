/** How far an upload is. */
import type { JSX } from "preact";
import type { Step } from "../upload.js";
import { bytes } from "../words.js";

const STEPS: { name: Step["name"]; now: string; before: string }[] = [
  { name: "making", now: "Making room for the model", before: "Room for the model" },
  { name: "sending", now: "Sending the file", before: "File sent" },
  { name: "checking", now: "Checking the file: its script runs once with the default values", before: "File checked" },
  { name: "publishing", now: "Publishing", before: "Published" },
];

export function Steps({ step, file }: { step: Step; file: File | undefined }): JSX.Element {
  const at = STEPS.findIndex(({ name }) => name === step.name);
  const share = step.name === "sending" ? Math.round(step.share * 100) : undefined;
  return (
    <div class="steps-box">
      <p>
        <strong>{file?.name}</strong> <span class="fine">{file && bytes(file.size)}</span>
      </p>
      <ol class="steps">
        {STEPS.map(({ name, now, before }, index) => (
          <li key={name} class={index < at ? "past" : index === at ? "now" : "ahead"} {...(index === at ? { "aria-current": "step" as const } : {})}>
            {index < at ? before : now}
            {index === at && name === "sending" && <span class="fine"> {share} %</span>}
          </li>
        ))}
      </ol>
      <progress aria-label="Progress of the upload" max={100} {...(share === undefined ? {} : { value: share })} />
      <p class="fine">You may leave this page once the file has been sent: the check goes on.</p>
      <p class="visually-hidden" role="status">
        {STEPS[at]?.now}
      </p>
    </div>
  );
}
