/** What the page tells about a selected object: the library's own list of properties, in words. */
import type { AcDbDatabase, AcDbEntity } from "@mlightcad/data-model";
import { currentLanguage, t } from "../texts.js";

export interface EntityFacts {
  kind: string;
  rows: { label: string; value: string; swatch?: string }[];
}

/** Words for properties and kinds, English and German. What is missing here keeps the library's name, with spaces in it. */
const WORDS: Record<string, readonly [english: string, german: string]> = {
  handle: ["Handle", "Referenz"],
  color: ["Colour", "Farbe"],
  layer: ["Layer", "Layer"],
  linetype: ["Line type", "Linientyp"],
  linetypeScale: ["Line type scale", "Linientypfaktor"],
  lineWeight: ["Line weight", "Linienstärke"],
  transparency: ["Transparency", "Transparenz"],
  length: ["Length", "Länge"],
  area: ["Area", "Fläche"],
  perimeter: ["Perimeter", "Umfang"],
  radius: ["Radius", "Radius"],
  diameter: ["Diameter", "Durchmesser"],
  start: ["Start", "Anfang"],
  end: ["End", "Ende"],
  center: ["Centre", "Mittelpunkt"],
  position: ["Position", "Position"],
  location: ["Position", "Position"],
  basePoint: ["Base point", "Basispunkt"],
  startAngle: ["Start angle", "Anfangswinkel"],
  endAngle: ["End angle", "Endwinkel"],
  totalAngle: ["Angle", "Winkel"],
  arcLength: ["Arc length", "Bogenlänge"],
  rotation: ["Rotation", "Drehung"],
  closed: ["Closed", "Geschlossen"],
  vertices: ["Vertices", "Scheitelpunkte"],
  vertexCount: ["Vertices", "Scheitelpunkte"],
  text: ["Text", "Text"],
  contents: ["Text", "Text"],
  textHeight: ["Text height", "Texthöhe"],
  styleName: ["Style", "Stil"],
  textStyleName: ["Text style", "Textstil"],
  dimensionStyle: ["Dimension style", "Bemaßungsstil"],
  blockName: ["Block", "Block"],
  patternName: ["Pattern", "Muster"],
  patternScale: ["Pattern scale", "Mustermaßstab"],
  patternAngle: ["Pattern angle", "Musterwinkel"],
  majorAxisRadius: ["Major radius", "Große Halbachse"],
  minorAxisRadius: ["Minor radius", "Kleine Halbachse"],
  scaleFactors: ["Scale", "Skalierung"],
  Line: ["Line", "Linie"],
  Polyline: ["Polyline", "Polylinie"],
  Circle: ["Circle", "Kreis"],
  Arc: ["Arc", "Bogen"],
  Ellipse: ["Ellipse", "Ellipse"],
  Spline: ["Spline", "Spline"],
  Text: ["Text", "Text"],
  MText: ["Multi-line text", "Mehrzeiliger Text"],
  Hatch: ["Hatch", "Schraffur"],
  Point: ["Point", "Punkt"],
  BlockReference: ["Block reference", "Blockreferenz"],
  RotatedDimension: ["Dimension", "Bemaßung"],
  AlignedDimension: ["Aligned dimension", "Ausgerichtete Bemaßung"],
};

/** Of little use to a reader, and many. */
const LEFT_OUT = /^(normal|unitDir|direction|oblique|thickness|elevation|widthFactor|drawingDirection|index|associative|patternDouble|patternType)/;

const ANGLES_IN_RADIANS = new Set(["startAngle", "endAngle", "rotation", "patternAngle"]);

function wordFor(name: string): string {
  const known = WORDS[name];
  if (known) return known[currentLanguage() === "de" ? 1 : 0];
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

function number(value: number): string {
  return value.toLocaleString(currentLanguage(), { maximumFractionDigits: 4 });
}

function valueOf(name: string, value: unknown): string {
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (typeof value === "number") {
    return ANGLES_IN_RADIANS.has(name) || name === "totalAngle"
      ? `${number(name === "totalAngle" ? value : (value * 180) / Math.PI)}°`
      : number(value);
  }
  if (Array.isArray(value)) return String(value.length);
  if (value === null || value === undefined) return "";
  return String(value);
}

/** Coordinates come as three properties; one row shows them together. */
function points(entries: Map<string, unknown>): Map<string, string> {
  const joined = new Map<string, string>();
  for (const name of entries.keys()) {
    const stem = /^(.+)X$/.exec(name)?.[1];
    if (!stem) continue;
    const parts = ["X", "Y", "Z"].map((axis) => entries.get(stem + axis)).filter((part) => typeof part === "number");
    if (parts.length === 3 && parts[2] === 0) parts.pop();
    joined.set(stem, parts.map(number).join("; "));
  }
  return joined;
}

export function describeEntity(entity: AcDbEntity, _database: AcDbDatabase): EntityFacts {
  const { groups } = entity.properties;
  const entries = new Map<string, unknown>();
  for (const property of groups.flatMap((group) => group.properties)) {
    if (!LEFT_OUT.test(property.name)) entries.set(property.name, property.accessor.get());
  }
  const joined = points(entries);
  const rows: EntityFacts["rows"] = [];
  for (const [name, value] of entries) {
    const stem = /^(.+)[XYZ]$/.exec(name)?.[1];
    if (stem && joined.has(stem)) {
      if (name.endsWith("X")) rows.push({ label: wordFor(stem), value: joined.get(stem) ?? "" });
      continue;
    }
    const words = valueOf(name, value);
    if (!words) continue;
    const css = name === "color" ? (entity.resolvedColor.cssColor ?? undefined) : undefined;
    rows.push({ label: wordFor(name), value: words, ...(css ? { swatch: css } : {}) });
  }
  return { kind: wordFor(entity.type), rows };
}
