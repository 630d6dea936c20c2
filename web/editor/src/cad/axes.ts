/**
 * The icon of the axes in the corner. The library letters it in white on every background, and the command line lies on top of it
 * in narrow windows.
 */
import type { AcTrView2d } from "@mlightcad/cad-simple-viewer";

interface Label {
  material: { color: { set(colour: number): unknown } };
}

/** What this page needs of the library's icon, which the library keeps to itself. */
interface Icon {
  xText: Label;
  yText: Label;
  gizmoDim: number;
  setLineColors(x: number, y: number): unknown;
  calculateViewportPos(): { x: number; y: number };
}

const COLOURS = {
  dark: { letters: 0xffffff, x: 0xff5a4d, y: 0x5ed15e },
  light: { letters: 0x33373d, x: 0xb3261e, y: 0x1b7f2a },
} as const;

/** Pixels between the icon and the command line. */
const GAP = 8;

/** How far above the lower edge the icon stands: over the command line where that reaches into its corner. */
function heightAbove(container: HTMLElement, size: number): number {
  const line = container.querySelector<HTMLElement>(".ml-cli-bar");
  if (!line) return 0;
  const [around, box] = [container.getBoundingClientRect(), line.getBoundingClientRect()];
  // A workspace may hide it.
  return box.height > 0 && box.left - around.left < size ? Math.max(around.bottom - box.top + GAP, 0) : 0;
}

/** Gives the icon of the view that is shown the colours for a background, and its place. */
export function settleAxes(view: AcTrView2d, background: keyof typeof COLOURS): void {
  const icon = Reflect.get(view.activeLayoutView, "_axesGizmo") as Icon | undefined;
  if (!icon) return;
  const { letters, x, y } = COLOURS[background];
  icon.setLineColors(x, y);
  for (const label of [icon.xText, icon.yText]) label.material.color.set(letters);
  icon.calculateViewportPos = () => ({ x: 0, y: heightAbove(view.container, icon.gizmoDim) });
}
