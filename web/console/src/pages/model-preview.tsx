/** The model as its visitors see it. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { VitrineViewer } from "../../../viewer/src/index.js";
import { geometry } from "../geometry.js";
import { manages, platform, type Model } from "../platform.js";
import { address } from "../router.js";
import { Failure, Notice, useAction } from "../ui.js";
import { NotReady } from "./model-not-ready.js";
import type { TabProps } from "./model.js";

/** The viewer's module, beside the console on the same server. It loads when a model is looked at, not before. */
const VIEWER_URL = new URL("/viewer/vitrine-viewer.js", location.href).href;
const mayDownload = ({ permissions }: Model): boolean => permissions.includes("get_token_scope_group_export");
/** What somebody needs to look at a model and change it, and to download from it where they may. */
const scopeOf = (model: Model): string[] => (mayDownload(model) ? ["group.view", "group.export"] : ["group.view"]);

export function PreviewTab({ model, by, changed }: TabProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);
  const [values, setValues] = useState<Record<string, string>>();
  const [said, say] = useState("");
  const keep = useAction(async (chosen: Record<string, string>) => {
    await geometry.setDefaults(model.id, chosen);
    say("The model opens with these values from now on.");
  });
  const isManaged = manages(model);
  // Who may only look is shown no model before it is ready.
  const isReady = !isManaged || model.status === "done";
  useEffect(() => {
    if (!isReady) return undefined;
    let viewer: VitrineViewer | undefined;
    let gone = false;
    const token = (): Promise<string> => platform.token(by, scopeOf(model));
    const start = async (): Promise<void> => {
      const [jwt] = await Promise.all([token(), import(/* @vite-ignore */ VIEWER_URL)]);
      if (gone) return;
      viewer = document.createElement("vitrine-viewer");
      viewer.refreshToken = token;
      viewer.setAttribute("model", model.id);
      viewer.setAttribute("jwt", jwt);
      viewer.addEventListener("vitrine-computed", (event) => {
        say("");
        setValues((event as CustomEvent<{ values: Record<string, string> }>).detail.values);
      });
      place.current?.append(viewer);
    };
    setError(undefined);
    start().catch((reason: unknown) => setError(reason));
    return () => {
      gone = true;
      viewer?.remove();
    };
  }, [model.id, isReady, attempt]);
  if (!isReady) return <NotReady model={model} changed={changed} />;
  return (
    <section aria-label="Preview">
      {error !== undefined && <Failure error={error} retry={() => setAttempt(attempt + 1)} />}
      <div ref={place} class="stage" />
      {!isManaged && (
        <Notice tone="quiet">
          <p>{mayDownload(model) ? "You may look at this model and download from it." : "You may look at this model."} Its owner, and managers of the owner’s organization, may change it.</p>
        </Notice>
      )}
      {isManaged && (
        <div class="below row">
          <button type="button" disabled={values === undefined || keep.busy} onClick={() => values && void keep.run(values)}>
            Make these the default values
          </button>
          <span role="status" class="said">
            {said}
          </span>
        </div>
      )}
      {keep.error !== undefined && <Failure error={keep.error} />}
      {isManaged && model.accessdomains.length === 0 && (
        <Notice tone="waiting">
          <p>
            Only you can see this. Pages can show the model when you have <a href={address("models", model.slug, "pages")}>allowed their domain</a>.
          </p>
        </Notice>
      )}
    </section>
  );
}
