/** The tools: what stands on a button, and which command it runs. */
import type { TextKey } from "./texts.js";

export interface Tool {
  label: TextKey;
  /** The command, as typed. */
  command: string;
  icon: string;
  /** The key that runs it while nothing is typed; shown in the tooltip as well. */
  alias?: string;
}

export const VIEW_TOOLS: readonly Tool[] = [
  { label: "measureDistance", command: "MEASUREDISTANCE", alias: "DI", icon: "M3 16 16 3l5 5L8 21zM7 12l2 2M10 9l3 3M13 6l2 2" },
  { label: "measureArea", command: "MEASUREAREA", alias: "AA", icon: "M4 19V9l7-5 9 6-3 9zM4 19h0M11 4h0" },
  { label: "measureAngle", command: "MEASUREANGLE", alias: "ANG", icon: "M20 19H4L17 5M12 19a9 9 0 0 0-2.5-6" },
  { label: "clearMeasurements", command: "CLEARMEASUREMENTS", icon: "M3 16 16 3l5 5L8 21zM4 4l16 16" },
];

export const DRAW_TOOLS: readonly Tool[] = [
  { label: "line", command: "LINE", alias: "L", icon: "M5 19 19 5M4 18h2v2H4zM18 4h2v2h-2z" },
  { label: "polyline", command: "PLINE", alias: "PL", icon: "M4 18 9 7l6 8 5-10" },
  { label: "rectangle", command: "RECTANG", alias: "REC", icon: "M4 6h16v12H4z" },
  { label: "circle", command: "CIRCLE", alias: "C", icon: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 12h.01" },
  { label: "arc", command: "ARC", alias: "A", icon: "M4 18C5 9 11 5 20 5" },
  { label: "text", command: "TEXT", alias: "DT", icon: "M5 7V5h14v2M12 5v14M9 19h6" },
  { label: "dimension", command: "DIMLINEAR", alias: "DLI", icon: "M4 6v12M20 6v12M4 12h16M7 9l-3 3 3 3M17 9l3 3-3 3" },
];

export const MODIFY_TOOLS: readonly Tool[] = [
  { label: "move", command: "MOVE", alias: "M", icon: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3" },
  { label: "copy", command: "COPY", alias: "CO", icon: "M9 9h11v11H9zM15 9V4H4v11h5" },
  { label: "rotate", command: "ROTATE", alias: "RO", icon: "M19 12a7 7 0 1 1-2-5M19 3v5h-5" },
  { label: "erase", command: "ERASE", alias: "E", icon: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5" },
];

export const ICONS = {
  select: "M5 3l14 8-6 2-3 6z",
  pan: "M8 12V6a1.5 1.5 0 0 1 3 0v5V4.5a1.5 1.5 0 0 1 3 0V11V6a1.5 1.5 0 0 1 3 0v8c0 4-2 7-6 7s-5-2-8-7c-.8-1.5 1-2.5 2-1.5l3 2.5",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  zoomIn: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM16 16l5 5M11 8v6M8 11h6",
  zoomOut: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM16 16l5 5M8 11h6",
  background: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  undo: "M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
  redo: "M15 14l5-5-5-5M20 9H10a6 6 0 0 0 0 12h3",
  save: "M5 4h11l3 3v13H5zM8 4v5h7V4M8 20v-6h8v6",
  panel: "M4 5h16v14H4zM14 5v14",
  close: "M6 6l12 12M18 6L6 18",
} as const;
