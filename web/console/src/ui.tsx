/** The few parts that every page is made of. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api.js";
import type { Paged, Pages, Resource } from "./resource.js";
import { bytes, type Tone } from "./words.js";

type Children = { children?: ComponentChildren };

/**
 * A page's heading. It takes the focus, so that readers of the screen hear where they have come to: with the page itself, not after it,
 * as on a busy machine somebody may have gone on with Tab by then and would be thrown back.
 */
export function Title({ children, title }: Children & { title: string }): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – Vitrine`;
  }, [title]);
  useLayoutEffect(() => {
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children ?? title}
    </h1>
  );
}

export function Badge({ tone, children }: Children & { tone: Tone }): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** Says what failed, and offers another try where that may help. */
export function Failure({ error, retry }: { error: unknown; retry?: (() => unknown) | undefined }): JSX.Element {
  const known = error instanceof ApiError ? error : undefined;
  return (
    <div class="notice bad" role="alert">
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {known?.code && (
        <p class="fine">
          <a href={`/docs/errors#${known.code}`} target="_blank" rel="noreferrer">
            What “{known.code}” means
          </a>
          {known.requestId && (
            <>
              {" · request "}
              <code>{known.requestId}</code>
            </>
          )}
        </p>
      )}
      {retry && (
        <button type="button" onClick={() => void retry()}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Notice({ tone, children, live }: Children & { tone: Tone; live?: boolean }): JSX.Element {
  return (
    <div class={`notice ${tone}`} {...(live ? { role: "status" } : {})}>
      {children}
    </div>
  );
}

export function Empty({ title, children }: Children & { title: string }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** Shows what was fetched, or that it is being fetched, or why that failed. */
export function Fetched<T>({ of, children, rows = 3 }: { of: Resource<T>; children: (value: T) => ComponentChildren; rows?: number }): JSX.Element {
  if (of.value !== undefined) {
    return (
      <>
        {of.error !== undefined && <Failure error={of.error} retry={of.reload} />}
        {children(of.value)}
      </>
    );
  }
  if (of.error !== undefined) return <Failure error={of.error} retry={of.reload} />;
  return (
    <div class="waiting" role="status">
      <span class="visually-hidden">Loading</span>
      {Array.from({ length: rows }, (_, index) => (
        <div class="bone" key={index} />
      ))}
    </div>
  );
}

interface FieldProps {
  label: string;
  help?: ComponentChildren;
  error?: string | undefined;
  value: string;
  change: (value: string) => void;
  type?: "text" | "password" | "email" | "search" | "number" | "date";
  required?: boolean;
  placeholder?: string;
  autocomplete?: string;
  /** Id of a datalist with proposals. */
  list?: string;
  /** Names and addresses are not words: nobody shall correct them. */
  verbatim?: boolean;
}

export function Field(props: FieldProps): JSX.Element {
  const { label, help, error, value, change, type = "text", required = false, placeholder = "", autocomplete = "off", list, verbatim = false } = props;
  const id = useId();
  const asWritten = verbatim ? { spellcheck: false, autocapitalize: "off" as const } : {};
  const describedBy = described(id, help !== undefined, error !== undefined);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {help && (
        <p id={`${id}-help`} class="fine">
          {help}
        </p>
      )}
      <input
        id={id}
        // The types of the library tell inputs of words apart by role; all three take the same members here.
        type={type as "text"}
        value={value}
        required={required}
        placeholder={placeholder}
        autocomplete={autocomplete}
        {...asWritten}
        {...(list === undefined ? {} : { list })}
        {...(describedBy ? { "aria-describedby": describedBy } : {})}
        {...(error ? { "aria-invalid": true } : {})}
        onInput={(event) => change(event.currentTarget.value)}
      />
      {error && (
        <p id={`${id}-error`} class="field-error">
          {error}
        </p>
      )}
    </div>
  );
}

function described(id: string, help: boolean, error: boolean): string {
  return [help ? `${id}-help` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
}

/** A switch with a sentence that says what it does. */
export function Switch(props: { label: string; help: ComponentChildren; on: boolean; busy: boolean; change: (on: boolean) => void }): JSX.Element {
  const id = useId();
  return (
    <div class="switch">
      <input
        type="checkbox"
        role="switch"
        id={id}
        checked={props.on}
        disabled={props.busy}
        aria-describedby={`${id}-help`}
        onChange={(event) => props.change(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{props.label}</label>
        <p id={`${id}-help`} class="fine">
          {props.help}
        </p>
      </div>
    </div>
  );
}

/** How long “Copied” stands. */
const COPIED_MS = 2000;

export function Copy({ text, label = "Copy" }: { text: string; label?: string }): JSX.Element {
  const [said, say] = useState("");
  useEffect(() => {
    if (!said) return undefined;
    const timer = setTimeout(() => say(""), COPIED_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      say("Select the text and copy it by hand");
    }
  };
  return (
    <span class="copy">
      <button type="button" onClick={() => void copy()}>
        {label}
      </button>
      <span role="status" class="fine">
        {said}
      </span>
    </span>
  );
}

/** Text that is meant to be copied as it is. */
export function Snippet({ text, name }: { text: string; name: string }): JSX.Element {
  return (
    <div class="snippet">
      <pre tabIndex={0} role="region" aria-label={name}>
        <code>{text}</code>
      </pre>
      <Copy text={text} label={`Copy ${name}`} />
    </div>
  );
}

/** A button that asks once more before it does what cannot be undone. */
export function Sure(props: { label: string; question: string; confirm: string; run: () => Promise<unknown>; describedAs?: string }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await props.run();
      dialog.current?.close();
    } catch (reason) {
      setError(reason);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button
        type="button"
        class="danger"
        {...(props.describedAs ? { "aria-label": props.describedAs } : {})}
        onClick={() => dialog.current?.showModal()}
      >
        {props.label}
      </button>
      <dialog ref={dialog} aria-labelledby={id}>
        <p id={id} class="question">
          {props.question}
        </p>
        {error !== undefined && <Failure error={error} />}
        <div class="row">
          <button type="button" class="primary-danger" disabled={busy} onClick={() => void run()}>
            {props.confirm}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
        </div>
      </dialog>
    </>
  );
}

/** Runs an action of a form or button, and keeps whether it runs and why it failed. */
export function useAction<A extends unknown[]>(
  action: (...args: A) => Promise<unknown>,
): { run: (...args: A) => Promise<boolean>; busy: boolean; error: unknown; clear: () => void } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = async (...args: A): Promise<boolean> => {
    setBusy(true);
    setError(undefined);
    try {
      await action(...args);
      return true;
    } catch (reason) {
      setError(reason);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { run, busy, error, clear: () => setError(undefined) };
}

/** A button for the rest of a list, where there is more. */
export function More<T>({ of, page }: { of: Pages<T>; page: Paged<T> }): JSX.Element | null {
  const more = useAction(of.more);
  if (page.pagination.next_offset === null) return null;
  return (
    <>
      {more.error !== undefined && <Failure error={more.error} />}
      <button type="button" disabled={more.busy} onClick={() => void more.run()}>
        Show more
      </button>
    </>
  );
}

interface FilePickProps {
  label: string;
  help: string;
  accept: string;
  file: File | undefined;
  error: string | undefined;
  choose: (file: File) => void;
}

/** A place for a file, which may also be dropped there. */
export function FilePick({ label, help, accept, file, error, choose }: FilePickProps): JSX.Element {
  const id = useId();
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const dropped = event.dataTransfer?.files[0];
    if (dropped) choose(dropped);
  };
  const drag = (event: DragEvent): void => {
    event.preventDefault();
    setOver(true);
  };
  return (
    <div class={`field drop ${over ? "over" : ""}`} onDrop={drop} onDragOver={drag} onDragLeave={() => setOver(false)}>
      <label for={id}>{label}</label>
      <p id={`${id}-help`} class="fine">
        {help}
      </p>
      <input
        id={id}
        type="file"
        accept={accept}
        aria-describedby={described(id, true, error !== undefined)}
        {...(error ? { "aria-invalid": true } : {})}
        onChange={(event) => {
          const chosen = event.currentTarget.files?.[0];
          if (chosen) choose(chosen);
        }}
      />
      {file && (
        <p class="fine" role="status">
          {file.name}, {bytes(file.size)}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} class="field-error">
          {error}
        </p>
      )}
    </div>
  );
}

/** One of a few words, as a row of buttons that belong together. */
export function Choice<T extends string>(props: { label: string; options: [T, string][]; value: T; change: (value: T) => void }): JSX.Element {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class="visually-hidden">{props.label}</legend>
      {props.options.map(([value, word]) => (
        <label key={value}>
          <input type="radio" name={name} checked={value === props.value} onChange={() => props.change(value)} />
          <span>{word}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** One of a list, with its label. */
export function Select<T extends string>(props: {
  label: string;
  options: [T, string][];
  value: T;
  change: (value: T) => void;
  help?: string;
  hidden?: boolean;
  busy?: boolean;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={props.hidden ? "visually-hidden" : ""}>
        {props.label}
      </label>
      {props.help && (
        <p id={`${id}-help`} class="fine">
          {props.help}
        </p>
      )}
      <select
        id={id}
        value={props.value}
        disabled={props.busy ?? false}
        {...(props.help ? { "aria-describedby": `${id}-help` } : {})}
        onChange={(event) => props.change(event.currentTarget.value as T)}
      >
        {props.options.map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A box to tick, with a sentence that says what it stands for. */
export function Tick(props: { label: ComponentChildren; help?: string; on: boolean; change: (on: boolean) => void; disabled?: boolean }): JSX.Element {
  const id = useId();
  return (
    <div class="tick">
      <input
        type="checkbox"
        id={id}
        checked={props.on}
        disabled={props.disabled ?? false}
        {...(props.help ? { "aria-describedby": `${id}-help` } : {})}
        onChange={(event) => props.change(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{props.label}</label>
        {props.help && (
          <p id={`${id}-help`} class="fine">
            {props.help}
          </p>
        )}
      </div>
    </div>
  );
}

/** A secret that the server tells this once. */
export function ShownOnce({ title, children, done }: Children & { title: string; done: () => void }): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section class="notice good" aria-label={title}>
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      <p>Keep it now, where only those read it who need it: it is not shown again, and nobody can look it up.</p>
      {children}
      <button type="button" onClick={done}>
        I have kept it
      </button>
    </section>
  );
}

/** A row of links that scrolls sideways where it is wider than the window: the open one is brought into sight. */
export function LinkRow({ label, class: name, current, children }: Children & { label: string; class?: string; current: string }): JSX.Element {
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    const open = row.current?.querySelector<HTMLElement>("[aria-current]");
    if (row.current && open) row.current.scrollLeft = open.offsetLeft - row.current.offsetLeft - (row.current.clientWidth - open.offsetWidth) / 2;
  }, [current]);
  return (
    <nav ref={row} aria-label={label} {...(name === undefined ? {} : { class: name })}>
      {children}
    </nav>
  );
}
