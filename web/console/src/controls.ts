/** The list of a model's controls while it is edited, and what of it has to be saved. */
import type { Definition, DefinitionChange } from "./geometry.js";

export interface Draft {
  id: string;
  name: string;
  type: string;
  label: string;
  tooltip: string;
  group: string;
  hidden: boolean;
  /** What sessions open with, in the API's words; undefined for what has no value. */
  value: string | undefined;
}

/** In the order in which visitors see them. */
export function draftsOf(definitions: Record<string, Definition>): Draft[] {
  return Object.values(definitions)
    .map((one, index) => ({ one, index }))
    .sort((a, b) => (a.one.order ?? a.index) - (b.one.order ?? b.index) || a.index - b.index)
    .map(({ one }) => ({
      id: one.id,
      name: one.name,
      type: one.type ?? "",
      label: one.displayname ?? "",
      tooltip: one.tooltip ?? "",
      group: one.group?.name ?? "",
      hidden: one.hidden,
      value: one.defval,
    }));
}

/** Another list with the draft `from` places further up or down. */
export function moved(drafts: readonly Draft[], index: number, by: number): Draft[] {
  const list = [...drafts];
  const [one] = list.splice(index, 1);
  if (one) list.splice(Math.max(0, Math.min(list.length, index + by)), 0, one);
  return list;
}

/** Groups are told apart by their ids; a new name makes a new one. */
function groupOf(name: string, definitions: Record<string, Definition>): { id: string; name: string } {
  const known = Object.values(definitions).find(({ group }) => group?.name === name)?.group;
  return known ?? { id: name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-") || "group", name };
}

/** Members that differ from what is saved. Places are saved for all when one of them moved: they only mean something together. */
export function changesOf(drafts: readonly Draft[], definitions: Record<string, Definition>): Record<string, DefinitionChange> {
  const before = draftsOf(definitions);
  const hasMoved = drafts.some(({ id }, index) => before[index]?.id !== id);
  const changes: Record<string, DefinitionChange> = {};
  drafts.forEach((draft, index) => {
    const old = before.find(({ id }) => id === draft.id);
    if (!old) return;
    const change: DefinitionChange = {};
    if (draft.label.trim() !== old.label) change.displayname = draft.label.trim();
    if (draft.tooltip.trim() !== old.tooltip) change.tooltip = draft.tooltip.trim();
    if (draft.hidden !== old.hidden) change.hidden = draft.hidden;
    const group = draft.group.trim();
    if (group !== old.group) change.group = group === "" ? null : groupOf(group, definitions);
    if (hasMoved) change.order = index;
    if (Object.keys(change).length > 0) changes[draft.id] = change;
  });
  return changes;
}

/** Values that differ from what sessions open with now. */
export function defaultsOf(drafts: readonly Draft[], definitions: Record<string, Definition>): Record<string, string> {
  const changed = drafts.filter(({ id, value }) => value !== undefined && value !== definitions[id]?.defval);
  return Object.fromEntries(changed.map(({ id, value }) => [id, value ?? ""]));
}
