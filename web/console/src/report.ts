/** What the check of a model's file found wrong, cut into what a person needs: where, what, and what to do. */

export interface Report {
  /** Line of the file, counted from 1; undefined where the fault has no line. */
  line: number | undefined;
  message: string;
  advice: string;
}

export interface ExcerptLine {
  number: number;
  text: string;
  faulty: boolean;
}

/** Lines that are shown before and after the faulty one. */
const AROUND_LINES = 3;
/** A line of a script that a program wrote may be endless. */
const LINE_CHARS_MAX = 200;

const ADVICE: [RegExp, string][] = [
  [
    /cannot find module|require|import/i,
    "A model is one file. It may use @jscad/modeling and vitrine, and nothing else: put what it loads into the file itself.",
  ],
  [/took longer|too long|time limit|seconds/i, "Make less: fewer segments, or one subtraction with an array of shapes instead of a chain of them."],
  [/memory|triangles|too many|too large/i, "Make less: fewer segments, or fewer copies of a shape."],
  [/unexpected|expecting|syntax|unterminated|invalid token/i, "The script cannot be read. Look for a missing bracket, comma or quote in this line or just before it."],
  [/is not defined/i, "The name is used before it is made. Look for a slip of the pen, or add the missing const or require."],
  [/not a function|of undefined|of null/i, "Something has another form than this line expects. Look at what the names in it hold."],
  [/openscad/i, "This server cannot compute OpenSCAD files. Upload a JSCAD script, or ask whoever runs the server to install OpenSCAD."],
];

const ADVICE_OTHERWISE = "Correct the file and upload it again. Nothing of the refused file is shown to anybody.";

/** Takes the server's sentence apart. */
export function reportOf(sentence: string): Report {
  const found = /^the model's script failed(?: in line (\d+))?: (.*)$/s.exec(sentence);
  const message = (found?.[2] ?? sentence.replace(/^the file is not a usable model: /, "")).trim();
  const line = found?.[1] === undefined ? undefined : Number(found[1]);
  const advice = ADVICE.find(([pattern]) => pattern.test(message))?.[1] ?? ADVICE_OTHERWISE;
  return { line, message: message.charAt(0).toUpperCase() + message.slice(1), advice };
}

/** The faulty line with its neighbours; empty where the file has no such line. */
export function excerptOf(source: string, line: number): ExcerptLine[] {
  const lines = source.split(/\r\n|\n|\r/);
  if (line < 1 || line > lines.length) return [];
  const from = Math.max(1, line - AROUND_LINES);
  return lines.slice(from - 1, line + AROUND_LINES).map((text, index) => ({
    number: from + index,
    text: text.length > LINE_CHARS_MAX ? `${text.slice(0, LINE_CHARS_MAX)} …` : text,
    faulty: from + index === line,
  }));
}
