/**
 * New dimensions in the style of their drawing. The library leaves them without a style, writes the name of one that no drawing has,
 * and makes letters and arrows ten units high whatever the drawing's scale: on a plan in millimetres nobody would see them.
 */
import { AcDbAlignedDimension, AcDbBlockReference, type AcDbDatabase, AcDbDimension, AcDbMText } from "@mlightcad/data-model";
import { measured } from "./measured.js";

type Style = AcDbAlignedDimension["dimensionStyle"];

/** Where no drawing says otherwise. */
const STANDARD = "Standard";

/** How drawings write that a dimension shows what it measures. The library writes an empty text as 0. */
const MEASURED = "<>";

/** How often each style is used by the dimensions of model space. */
function usedStyles({ tables }: AcDbDatabase): Map<string, number> {
  const used = new Map<string, number>();
  for (const entity of tables.blockTable.modelSpace.newIterator()) {
    if (!(entity instanceof AcDbDimension)) continue;
    const name = entity.dimensionStyleName;
    if (name && tables.dimStyleTable.has(name)) used.set(name, (used.get(name) ?? 0) + 1);
  }
  return used;
}

/** The current style; where the drawing's dimensions are of others, nobody chose that one, and theirs is meant. */
function styleFor(database: AcDbDatabase): string {
  const { dimstyle, tables } = database;
  const used = usedStyles(database);
  const hasCurrent = tables.dimStyleTable.has(dimstyle);
  if (hasCurrent && (used.has(dimstyle) || used.size === 0)) return dimstyle;
  const [most] = [...used].sort(([, one], [, other]) => other - one)[0] ?? [];
  return most ?? STANDARD;
}

/** A scale of 0 means that of the sheet, which there is none of here. */
function scaleOf({ dimscale }: Style): number {
  return dimscale > 0 ? dimscale : 1;
}

/** Letters beside the line, not across it, and never upside down. */
function settleText(text: AcDbMText, style: Style): void {
  const scale = scaleOf(style);
  if (style.dimtxt > 0) text.height = style.dimtxt * scale;
  let { x, y } = text.direction;
  if (x < -1e-9 || (Math.abs(x) <= 1e-9 && y < 0)) [x, y] = [-x, -y];
  text.direction = { x, y, z: 0 };
  const away = text.height / 2 + Math.abs(style.dimgap) * scale;
  const { location } = text;
  text.location = { x: location.x - y * away, y: location.y + x * away, z: location.z };
}

/** Changes how the library makes the picture of a dimension. To be called once. */
export function styleNewDimensions(): void {
  const { prototype } = AcDbAlignedDimension;
  const make = prototype.createDimBlock;
  prototype.createDimBlock = function (blockName) {
    if (this.dimensionStyleName === null) this.dimensionStyleName = styleFor(this.database);
    const style = this.dimensionStyle;
    const length = this.xLine1Point.distanceTo(this.xLine2Point);
    const isMeasured = this.dimensionText === length.toFixed(3);
    if (isMeasured) this.dimensionText = measured(length, style);
    const block = make.call(this, blockName);
    // What is measured is not written down: whoever moves the dimension elsewhere gets another number.
    if (isMeasured) this.dimensionText = MEASURED;
    const arrow = style.dimasz * scaleOf(style);
    for (const part of block.newIterator()) {
      if (part instanceof AcDbMText) settleText(part, style);
      if (part instanceof AcDbBlockReference && arrow > 0) part.scaleFactors = { x: arrow, y: arrow, z: arrow };
    }
    return block;
  };
}
