/** Which of the CAD library's commands exist here. Whatever is not named is taken out before the first input. */
import {
  AcEdCommand,
  type AcEdCommandStack,
  AcEdOpenMode,
  AcEdPromptDoubleOptions,
  AcEdPromptPointOptions,
  AcEdPromptStatus,
  AcEdPromptStringOptions,
  AcApDocManager,
  type AcApContext,
} from "@mlightcad/cad-simple-viewer";
import { type AcDbDatabase, AcDbSysVarManager, AcDbText, AcGePoint3d } from "@mlightcad/data-model";
import { t, type TextKey } from "../texts.js";
import { DRAW_TOOLS, MODIFY_TOOLS, VIEW_TOOLS } from "../tools.js";

/** Commands that change nothing that is stored. */
const VIEW_COMMANDS = [
  "PAN", "ZOOM", "SELECT", "REGEN", "SWITCHBG",
  "MEASUREDISTANCE", "MEASUREAREA", "MEASUREANGLE", "MEASUREARC", "MEASUREPOINT", "MEASUREMENTVIS", "CLEARMEASUREMENTS",
] as const;

/** Commands that change the drawing. */
const EDIT_COMMANDS = [
  "LINE", "PLINE", "CIRCLE", "ARC", "ELLIPSE", "RECTANG", "POLYGON", "POINT", "SPLINE", "XLINE", "RAY", "MLINE", "REVCLOUD", "SKETCH",
  "-HATCH", "MTEXT", "DIMLINEAR", "-INSERT",
  "MOVE", "COPY", "ROTATE", "OFFSET", "ERASE", "UNDO", "REDO", "HIDEOBJECTS", "UNISOLATEOBJECTS",
  "-LAYER", "LAYCUR", "LAYDEL", "LAYFRZ", "LAYISO", "LAYLCK", "LAYON", "LAYOFF", "LAYTHW", "LAYUNISO", "LAYULK", "LAYERP",
] as const;

/** Variables that may be set; all of them bear on drawing and showing alone. */
const VARIABLES: ReadonlySet<string> = new Set([
  "CECOLOR", "CELTSCALE", "CELTYPE", "CELWEIGHT", "CLAYER", "LUNITS", "LUPREC", "AUNITS", "AUPREC", "LWDISPLAY",
  "ORTHOMODE", "OSMODE", "PICKBOX", "POLARANG", "POLARMODE", "TEXTSTYLE", "HPANG", "HPNAME", "HPSCALE",
]);

/** Commands whose file the page around chooses. */
export const CHOOSER_COMMANDS: Readonly<Record<string, { attachmentType: string; filter: readonly string[] }>> = {
  XATTACH: { attachmentType: "drawing", filter: ["dwg", "dxf"] },
  IMAGEATTACH: { attachmentType: "image", filter: ["png", "jpg", "jpeg", "webp"] },
};

const GROUP = "ACAD";

/** Words for the list of commands, for those that stand on no button. */
const FURTHER_WORDS: Readonly<Record<string, TextKey>> = { UNDO: "undo", REDO: "redo", PAN: "pan", SELECT: "select", ZOOM: "zoomIn", SAVE: "save" };

/** What the list of commands says about them, in the library's form. */
export function commandWords(): Record<string, { description: string; prompt?: string }> {
  const words: Record<string, { description: string; prompt?: string }> = {};
  for (const { command, label } of [...DRAW_TOOLS, ...VIEW_TOOLS]) words[command.toLowerCase()] = { description: t(label) };
  for (const { command, label } of MODIFY_TOOLS) words[command.toLowerCase()] = { description: t(label), prompt: t("selectObjects") };
  for (const [command, label] of Object.entries(FURTHER_WORDS)) words[command.toLowerCase()] = { description: t(label) };
  return words;
}

/** Single-line text: where, how high, what. The library has multi-line text by mouse alone. */
class TextCommand extends AcEdCommand {
  constructor() {
    super();
    this.mode = AcEdOpenMode.Write;
  }

  override async execute(context: AcApContext): Promise<void> {
    const { editor } = AcApDocManager.instance;
    const at = await editor.getPoint(new AcEdPromptPointOptions(t("textInsertion")));
    if (at.status !== AcEdPromptStatus.OK || !at.value) return;
    const askHeight = new AcEdPromptDoubleOptions(t("textHeight"));
    askHeight.defaultValue = TextCommand.lastHeight;
    askHeight.useDefaultValue = true;
    askHeight.allowNegative = false;
    askHeight.allowZero = false;
    const height = await editor.getDouble(askHeight);
    if (height.status !== AcEdPromptStatus.OK) return;
    const askWords = new AcEdPromptStringOptions(t("textContent"));
    askWords.allowSpaces = true;
    const words = await editor.getString(askWords);
    if (words.status !== AcEdPromptStatus.OK || !words.stringResult) return;
    TextCommand.lastHeight = height.value ?? TextCommand.lastHeight;
    const text = new AcDbText();
    text.textString = words.stringResult;
    text.position = new AcGePoint3d(at.value.x, at.value.y, 0);
    text.height = TextCommand.lastHeight;
    context.doc.database.tables.blockTable.modelSpace.appendEntity(text);
  }

  static lastHeight = 2.5;
}

/** A command that only calls back. */
class CallCommand extends AcEdCommand {
  readonly #call: () => void;

  constructor(mode: AcEdOpenMode, call: () => void) {
    super();
    this.mode = mode;
    this.recordsUndoStack = false;
    this.#call = call;
  }

  override execute(): Promise<void> {
    this.#call();
    return Promise.resolve();
  }
}

export interface CommandPorts {
  save(): void;
  chooseFile(command: string): void;
}

/** Leaves the allowed commands, each in the mode that it needs, and adds ours. */
export function settleCommands(stack: AcEdCommandStack, ports: CommandPorts): void {
  const modes = new Map<string, AcEdOpenMode>([
    ...VIEW_COMMANDS.map((name) => [name, AcEdOpenMode.Read] as const),
    ...EDIT_COMMANDS.map((name) => [name, AcEdOpenMode.Write] as const),
    ...[...VARIABLES].map((name) => [name, AcEdOpenMode.Write] as const),
  ]);
  const doomed: string[] = [];
  const commands = stack.iterator();
  for (let item = commands.next(); !item.done; item = commands.next()) {
    const { command } = item.value;
    const mode = modes.get(command.globalName.toUpperCase());
    if (mode === undefined) doomed.push(command.globalName);
    else command.mode = mode;
  }
  for (const name of doomed) stack.removeCmd(GROUP, name);
  stack.addCommand(GROUP, "TEXT", "TEXT", new TextCommand(), ["DT", "DTEXT"]);
  stack.addCommand(GROUP, "SAVE", "SAVE", new CallCommand(AcEdOpenMode.Write, ports.save), ["QSAVE"]);
  for (const name of Object.keys(CHOOSER_COMMANDS)) {
    stack.addCommand(GROUP, name, name, new CallCommand(AcEdOpenMode.Write, () => ports.chooseFile(name)));
  }
}

/** Numbers of the drawing that the library has, but not in its list of variables, and what is one. */
const NUMBERS: Readonly<Record<string, { property: "ltscale" | "pdmode" | "pdsize"; isValid: (value: number) => boolean }>> = {
  LTSCALE: { property: "ltscale", isValid: (value) => value > 0 },
  PDMODE: { property: "pdmode", isValid: (value) => Number.isInteger(value) && value >= 0 && value <= 100 },
  PDSIZE: { property: "pdsize", isValid: () => true },
};

/** Whether a variable that names something in the drawing names something that is there. */
function namesSomething(variable: string, value: string, { tables }: AcDbDatabase): boolean {
  switch (variable) {
    case "CLAYER":
      return tables.layerTable.has(value);
    case "CELTYPE":
      return /^by(layer|block)$/i.test(value) || tables.linetypeTable.has(value);
    case "TEXTSTYLE":
      return tables.textStyleTable.has(value);
    default:
      return true;
  }
}

export type VariableResult = "set" | "unknown" | "value";

/** Sets a variable that may be set. */
export function setVariable(name: string, value: string): VariableResult {
  const variable = name.trim().toUpperCase();
  const { database } = AcApDocManager.instance.curDocument;
  const number = NUMBERS[variable];
  if (number) {
    const given = value.trim() === "" ? Number.NaN : Number(value);
    if (!Number.isFinite(given) || !number.isValid(given)) return "value";
    database[number.property] = given;
    return "set";
  }
  if (!VARIABLES.has(variable)) return "unknown";
  if (!namesSomething(variable, value, database)) return "value";
  try {
    AcDbSysVarManager.instance().setVar(variable, value, database);
    return "set";
  } catch {
    // The library throws for what is no value of the variable.
    return "value";
  }
}
