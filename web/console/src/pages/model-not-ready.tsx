/** What stands in place of a model that cannot be shown yet. */
import type { JSX } from "preact";
import { platform } from "../platform.js";
import { Empty, Failure, Notice, useAction } from "../ui.js";
import type { TabProps } from "./model.js";
import { RefusedFile } from "./report.js";
import { Upload } from "./upload.js";

export function NotReady({ model, changed }: Pick<TabProps, "model" | "changed">): JSX.Element {
  const publish = useAction(async () => {
    await platform.publish(model.id);
    changed(await platform.model(model.id));
  });
  switch (model.status) {
    case "start":
      return (
        <>
          <Notice tone="waiting">
            <p>The model waits for its file.</p>
          </Notice>
          <Upload waiting={model} done={changed} />
        </>
      );
    case "waiting":
    case "pending":
      return (
        <Empty title="The file is being checked">
          <p>Its script runs once with the default values. This page shows the model as soon as that is done.</p>
        </Empty>
      );
    case "confirmed":
      return (
        <Empty title="Checked, but not published">
          <p>The file is in order. Publish the model to use it.</p>
          <button type="button" class="primary" disabled={publish.busy} onClick={() => void publish.run()}>
            Publish
          </button>
          {publish.error !== undefined && <Failure error={publish.error} />}
        </Empty>
      );
    default:
      return (
        <>
          <RefusedFile sentence={model.message ?? "The file was refused."} filename={model.filename} />
          <p>A model never changes its file. Upload the corrected one as a new version, or delete this model under Settings.</p>
          <a class="button primary" href={`#/new/${encodeURIComponent(model.slug)}`}>
            Upload a corrected file
          </a>
        </>
      );
  }
}
