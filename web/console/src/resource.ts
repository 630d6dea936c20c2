/** Something that is fetched when a page opens: it waits, it is there, or it failed. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Resource<T> {
  value: T | undefined;
  error: unknown;
  waiting: boolean;
  /** Fetches again; what is there stays until the answer arrives. */
  reload: () => Promise<void>;
  set: (value: T) => void;
}

/** `key` names what is fetched: another key fetches anew and forgets the old value. */
export function useResource<T>(key: string, load: () => Promise<T>): Resource<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown; waiting: boolean }>({ key, waiting: true });
  const newest = useRef(0);
  const loader = useRef(load);
  loader.current = load;
  const fetch = useCallback(async (): Promise<void> => {
    newest.current += 1;
    const mine = newest.current;
    setState((before) => ({ ...(before.key === key ? before : { key }), waiting: true }));
    try {
      const value = await loader.current();
      if (mine === newest.current) setState({ key, value, waiting: false });
    } catch (error) {
      if (mine === newest.current) setState((before) => ({ ...before, error, waiting: false }));
    }
  }, [key]);
  useEffect(() => {
    void fetch();
    return () => {
      newest.current += 1;
    };
  }, [fetch]);
  const current = state.key === key ? state : { key, waiting: true, value: undefined, error: undefined };
  return {
    value: current.value,
    error: current.error,
    waiting: current.waiting,
    reload: fetch,
    set: (value) => setState({ key, value, waiting: false }),
  };
}

/** Repeats something while the page is looked at. */
export function useEvery(ms: number, on: boolean, run: () => unknown): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    if (!on) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) void latest.current();
    }, ms);
    return () => clearInterval(timer);
  }, [ms, on]);
}

/** A list that comes page by page. */
export interface Paged<T> {
  result: T[];
  pagination: { next_offset: string | null };
}

export interface Pages<T> extends Resource<Paged<T>> {
  /** Fetches the next page and puts it behind the others. */
  more: () => Promise<void>;
}

export function usePages<T>(key: string, load: (offset: string | null) => Promise<Paged<T>>): Pages<T> {
  const pages = useResource(key, () => load(null));
  const more = async (): Promise<void> => {
    const known = pages.value;
    if (!known) return;
    const next = await load(known.pagination.next_offset);
    pages.set({ ...next, result: [...known.result, ...next.result] });
  };
  return { ...pages, more };
}
