/** A new model, or a new version of one: choosing the file, sending it, and what its check found. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { platform, type Model } from "../platform.js";
import { useResource } from "../resource.js";
import { address, go } from "../router.js";
import { Failure, Fetched, Field, FilePick, Notice, Switch, Title } from "../ui.js";
import { bring, faultOf, inherited, retire, SOURCE_BYTES_MAX, TITLE_CHARS_MIN, titleOf, type Step } from "../upload.js";
import { RefusedFile } from "./report.js";
import { Steps } from "./upload-steps.js";

export function NewModelPage(): JSX.Element {
  return (
    <>
      <Crumbs />
      <Title title="New model" />
      <div class="columns">
        <Upload />
        <WhatIsAModel />
      </div>
    </>
  );
}

export function NewVersionPage({ previous: key }: { previous: string }): JSX.Element {
  const previous = useResource(`new version of ${key}`, () => platform.model(key));
  return (
    <>
      <Crumbs />
      <Fetched of={previous}>
        {(model) => (
          <>
            <Title title={`New version of ${model.title}`} />
            <Upload previous={model} />
          </>
        )}
      </Fetched>
    </>
  );
}

function Crumbs(): JSX.Element {
  return (
    <nav aria-label="Where you are" class="crumbs">
      <a href={address("models")}>Models</a>
    </nav>
  );
}

/** Asks before the page is left while a file is under way. */
function useStay(on: boolean): void {
  useEffect(() => {
    if (!on) return undefined;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [on]);
}

interface Refused {
  model: Model;
  source: string | undefined;
}

/** `waiting`: a model that was made before and has no file yet. */
export function Upload({ previous, waiting, done }: { previous?: Model; waiting?: Model; done?: (model: Model) => void }): JSX.Element {
  const [file, setFile] = useState<File>();
  const [title, setTitle] = useState(previous?.title ?? waiting?.title ?? "");
  const [takesOver, setTakesOver] = useState(true);
  const [step, setStep] = useState<Step>();
  const [error, setError] = useState<unknown>();
  const [refused, setRefused] = useState<Refused>();
  const made = useRef<Model | undefined>(waiting);
  const run = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => run.current?.abort(new DOMException("The page was left", "AbortError")), []);
  useStay(step !== undefined);
  const fault = file && faultOf(file);
  const isShort = title.trim().length < TITLE_CHARS_MIN;

  const choose = (chosen: File): void => {
    setFile(chosen);
    setError(undefined);
    if (title.trim() === "") setTitle(titleOf(chosen.name));
  };

  const upload = async (chosen: File, signal: AbortSignal): Promise<void> => {
    if (refused) {
      await retire(refused.model);
      made.current = undefined;
      setRefused(undefined);
    }
    setStep({ name: "making" });
    const wanted = previous ? inherited(previous) : {};
    made.current ??= await platform.createModel({ ...wanted, title: title.trim(), filename: chosen.name });
    const model = await bring(made.current, chosen, setStep, signal);
    made.current = model;
    if (model.status === "denied") {
      setRefused({ model, source: chosen.size <= SOURCE_BYTES_MAX ? await chosen.text() : undefined });
      // Browsers do not read a file again that was changed since it was chosen.
      setFile(undefined);
      return;
    }
    const slug = previous && takesOver ? await takeOver(previous, model) : model.slug;
    if (done) done(model);
    else go("models", slug);
  };

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!file || fault !== undefined) return;
    const control = new AbortController();
    run.current = control;
    setError(undefined);
    try {
      await upload(file, control.signal);
    } catch (reason) {
      if (!control.signal.aborted) setError(reason);
    } finally {
      if (!control.signal.aborted) setStep(undefined);
    }
  };

  return (
    <section class="panel" aria-label="Upload">
      {refused && <RefusedFile sentence={refused.model.message ?? ""} source={refused.source} filename={refused.model.filename} />}
      {error !== undefined && <Failure error={error} />}
      {step ? (
        <Steps step={step} file={file} />
      ) : (
        <form onSubmit={(event) => void submit(event)}>
          <FilePick
            label={refused ? "The corrected file" : "The model's file"}
            help="A JSCAD script (.js) or an OpenSCAD file (.scad)."
            accept=".js,.mjs,.cjs,.jscad,.scad"
            file={file}
            error={fault}
            choose={choose}
          />
          {!waiting && (
            <Field
              label="Title"
              help={`Visitors read it above the model. At least ${TITLE_CHARS_MIN} characters.`}
              value={title}
              change={setTitle}
              required
            />
          )}
          {previous && <Inheritance previous={previous} takesOver={takesOver} change={setTakesOver} />}
          <button type="submit" class="primary" disabled={file === undefined || fault !== undefined || isShort}>
            {refused ? "Upload the corrected file" : "Upload"}
          </button>
        </form>
      )}
    </section>
  );
}

/** Gives the new version the short name of the one before; answers the short name that it has then. */
async function takeOver(previous: Model, model: Model): Promise<string> {
  const { slug } = previous;
  await platform.rename(previous.id, `${slug}-${previous.id.slice(0, 8)}`);
  try {
    return (await platform.rename(model.id, slug)).slug;
  } catch (reason) {
    await platform.rename(previous.id, slug);
    throw reason;
  }
}

function Inheritance({ previous, takesOver, change }: { previous: Model; takesOver: boolean; change: (on: boolean) => void }): JSX.Element {
  return (
    <>
      <Notice tone="quiet">
        <p>
          The new version takes over domains, switches, and the names and order of controls. The version before stays as it is: pages that name its ticket go on showing it
          until you give them the new one.
        </p>
      </Notice>
      <Switch
        label={`Take over the short name “${previous.slug}”`}
        help="Pages with our iframe then show the new version as soon as it is published. The version before gets another short name."
        on={takesOver}
        busy={false}
        change={change}
      />
    </>
  );
}

const EXAMPLE = `const { primitives } = require('@jscad/modeling')

const getParameterDefinitions = () => [
  { name: 'size', caption: 'Edge', type: 'slider',
    initial: 40, min: 10, max: 100 }
]

const main = ({ size }) =>
  primitives.roundedCuboid({ size: [size, size, size] })

module.exports = { main, getParameterDefinitions }
`;

function WhatIsAModel(): JSX.Element {
  return (
    <section class="panel" aria-labelledby="what-heading">
      <h2 id="what-heading">What is a model?</h2>
      <p>
        One file that says how a thing is made and what people may change. Scripts of openjscad.xyz run here unchanged. Lengths are millimetres.
      </p>
      <pre tabIndex={0} role="region" aria-label="An example" class="example">
        <code>{EXAMPLE}</code>
      </pre>
      <p class="fine">Nobody sees the file. Until you allow a domain, nobody but you sees the model either.</p>
    </section>
  );
}
