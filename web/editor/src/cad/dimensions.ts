/**
 * New dimensions in the style of their drawing. The library leaves them without a style, writes the name of one that no drawing has,
 * and makes letters and arrows ten units high whatever the drawing's scale: on a plan in millimetres nobody would see them.
 */
import { AcDbAlignedDimension, AcDbBlockReference, type AcDbDatabase, AcDbMText } from "@mlightcad/data-model";

/** The current style, where the drawing has it. */
function currentStyle({ dimstyle, tables }: AcDbDatabase): string {
  return tables.dimStyleTable.has(dimstyle) ? dimstyle : "Standard";
}

/** Changes how the library makes the picture of a dimension. To be called once. */
export function styleNewDimensions(): void {
  const { prototype } = AcDbAlignedDimension;
  const make = prototype.createDimBlock;
  prototype.createDimBlock = function (blockName) {
    if (this.dimensionStyleName === null) this.dimensionStyleName = currentStyle(this.database);
    const block = make.call(this, blockName);
    const { dimtxt, dimasz, dimscale } = this.dimensionStyle;
    // A scale of 0 means that of the sheet, which there is none of here.
    const scale = dimscale > 0 ? dimscale : 1;
    for (const part of block.newIterator()) {
      if (part instanceof AcDbMText && dimtxt > 0) part.height = dimtxt * scale;
      const arrow = dimasz * scale;
      if (part instanceof AcDbBlockReference && arrow > 0) part.scaleFactors = { x: arrow, y: arrow, z: arrow };
    }
    return block;
  };
}
