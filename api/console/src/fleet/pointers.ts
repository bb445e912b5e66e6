// Pressing, dragging and pinching: what the pointers that are down do to the view. No React, no DOM but its events.
import { moved, zoomed, type Frame, type View } from "./zoom";

export interface Point {
  x: number;
  y: number;
}

/** Of a pointer's event what is read here. */
export interface PointerLike {
  pointerId: number;
  button: number;
  buttons: number;
  nativeEvent: { offsetX: number; offsetY: number };
  currentTarget: { setPointerCapture: (pointerId: number) => void };
}

/** What they act on, as it is when they do. */
export interface Acted {
  frame: Frame;
  most: number;
  setView: (change: (was: View) => View) => void;
  /** A press that did not move. */
  onPress: (at: Point) => void;
}

export interface PointerHandlers {
  onPointerDown: (event: PointerLike) => void;
  onPointerMove: (event: PointerLike) => void;
  onPointerUp: (event: PointerLike) => void;
  onPointerCancel: (event: PointerLike) => void;
  onLostPointerCapture: (event: PointerLike) => void;
}

/** A press that wanders no further chooses; beyond, it drags. */
const DRAG_LEAST_PX = 4;
/** The bit of `buttons`: the left one, a finger, the tip of a pen. */
const PRIMARY = 1;

export function pointOf(event: { offsetX: number; offsetY: number }): Point {
  return { x: event.offsetX, y: event.offsetY };
}

function apart([one, other]: readonly Point[]): number {
  return one === undefined || other === undefined ? 0 : Math.hypot(one.x - other.x, one.y - other.y);
}

function middle([one, other]: readonly Point[]): Point {
  if (one === undefined) return { x: 0, y: 0 };
  return other === undefined ? one : { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}

export function pointers(acted: () => Acted): PointerHandlers {
  const down = new Map<number, Point>();
  let dragged = false;

  function onPointerDown(event: PointerLike): void {
    if (event.button !== 0) return;
    if (down.size === 0) dragged = false;
    // Its release is ours wherever it happens: it must not be held to be down for ever.
    event.currentTarget.setPointerCapture(event.pointerId);
    down.set(event.pointerId, pointOf(event.nativeEvent));
  }

  function onPointerMove(event: PointerLike): void {
    const was = down.get(event.pointerId);
    if (was === undefined) return;
    // A menu of the browser's may have taken the release.
    if ((event.buttons & PRIMARY) === 0) return drop(event);
    const now = pointOf(event.nativeEvent);
    const alone = down.size === 1;
    if (alone && !dragged && Math.hypot(now.x - was.x, now.y - was.y) < DRAG_LEAST_PX) return;
    dragged = true;
    const before = [...down.values()];
    down.set(event.pointerId, now);
    const after = [...down.values()];
    const { frame, most, setView } = acted();
    const from = middle(before);
    const to = middle(after);
    const factor = alone ? 1 : apart(after) / Math.max(1, apart(before));
    setView((view) => moved(zoomed(view, factor, from, frame, most), { x: to.x - from.x, y: to.y - from.y }, frame));
  }

  function onPointerUp(event: PointerLike): void {
    const pressed = down.delete(event.pointerId);
    if (pressed && !dragged) acted().onPress(pointOf(event.nativeEvent));
  }

  function drop(event: PointerLike): void {
    down.delete(event.pointerId);
  }

  return { onPointerDown, onPointerMove, onPointerUp, onPointerCancel: drop, onLostPointerCapture: drop };
}
