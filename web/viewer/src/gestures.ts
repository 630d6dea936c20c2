/** Mouse, touch and keyboard on the picture, translated for the camera rig. */
import type { CameraRig } from "./camera-rig.js";

/** A drag over the picture's height turns the model by half a turn. */
const TURN_PER_HEIGHT = Math.PI;
const KEY_TURN = Math.PI / 16;
const KEY_ZOOM = 1.15;
const WHEEL_ZOOM_PER_PX = 0.0014;
/** A line of a line-wise wheel, in pixels. */
const WHEEL_LINE_PX = 16;

export interface GestureTarget {
  rig: CameraRig;
  /** The view changed by hand. */
  moved: () => void;
  fit: () => void;
}

interface Point {
  x: number;
  y: number;
}

/** Listens on an element until the signal is aborted. */
export function listenForGestures(element: HTMLElement, target: GestureTarget, signal: AbortSignal): void {
  const { rig } = target;
  const pointers = new Map<number, Point>();
  let panning = false;

  const pressed = (event: PointerEvent): void => {
    if (event.pointerType === "mouse" && event.button > 2) return;
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    panning = event.button !== 0 || event.shiftKey || event.ctrlKey || event.metaKey;
  };

  const dragged = (event: PointerEvent): void => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const height = Math.max(element.clientHeight, 1);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    const [dx, dy] = [(now.x - before.x) / height, (now.y - before.y) / height];
    if (other) {
      // Two fingers: their distance zooms, their middle pans (each finger moves it by half).
      const ratio = distance(before, other) / Math.max(distance(now, other), 1);
      rig.zoom(ratio);
      rig.pan(-dx / 2, dy / 2);
    } else if (panning) {
      rig.pan(-dx, dy);
    } else {
      rig.orbit(-dx * TURN_PER_HEIGHT, -dy * TURN_PER_HEIGHT);
    }
    pointers.set(event.pointerId, now);
    target.moved();
  };

  const released = (event: PointerEvent): void => {
    pointers.delete(event.pointerId);
  };

  const wheeled = (event: WheelEvent): void => {
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * WHEEL_LINE_PX : event.deltaY;
    // At the end of the rail the page scrolls on: the picture is no trap.
    if (!rig.zoom(Math.exp(pixels * WHEEL_ZOOM_PER_PX))) return;
    event.preventDefault();
    target.moved();
  };

  element.addEventListener("pointerdown", pressed, { signal });
  element.addEventListener("pointermove", dragged, { signal });
  element.addEventListener("pointerup", released, { signal });
  element.addEventListener("pointercancel", released, { signal });
  element.addEventListener("wheel", wheeled, { signal, passive: false });
  element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  element.addEventListener("dblclick", () => target.fit(), { signal });
  element.addEventListener("keydown", (event) => pressKey(event, target), { signal });
}

function pressKey(event: KeyboardEvent, target: GestureTarget): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { rig } = target;
  const sideways: Record<string, readonly [number, number]> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, 1],
    ArrowDown: [0, -1],
  };
  const direction = sideways[event.key];
  if (direction && event.shiftKey) rig.pan(direction[0] * 0.06, direction[1] * 0.06);
  else if (direction) rig.orbit(direction[0] * KEY_TURN, -direction[1] * KEY_TURN);
  else if (event.key === "+" || event.key === "=") rig.zoom(1 / KEY_ZOOM);
  else if (event.key === "-" || event.key === "_") rig.zoom(KEY_ZOOM);
  else if (event.key === "f" || event.key === "F" || event.key === "Home") {
    event.preventDefault();
    target.fit();
    return;
  } else return;
  event.preventDefault();
  target.moved();
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
