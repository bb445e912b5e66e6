// How the map is brought nearer and moved: the wheel, two fingers, and dragging. A press that does not move is a choice.
import { useEffect, useMemo, useRef, useState, type PointerEvent, type RefObject } from "react";
import type { Layout } from "./layout";
import { moved, scaleMost, WHOLE, zoomed, type Frame, type View } from "./zoom";

interface Point {
  x: number;
  y: number;
}

/** A press that wanders no further chooses; beyond, it drags. */
const DRAG_LEAST_PX = 4;
/** How much nearer 100 pixels of the wheel bring it. */
const WHEEL_STEP = 1.4;
const BUTTON_STEP = 1.6;

interface ZoomOptions {
  canvas: RefObject<HTMLCanvasElement | null>;
  layout: Layout;
  frame: Frame;
  /** What of the fleet the map shows: another place is seen whole at first. */
  place: string;
  /** Nearer than the nearest at a point; further away than whole. */
  onBeyond: (direction: "in" | "out", at: Point) => void;
  onPress: (at: Point) => void;
}

export interface Zoom {
  view: View;
  setView: (change: (was: View) => View) => void;
  /** By the button: about the middle of the frame. */
  step: (direction: 1 | -1) => void;
  handlers: {
    onPointerDown: (event: PointerEvent<HTMLCanvasElement>) => void;
    onPointerMove: (event: PointerEvent<HTMLCanvasElement>) => void;
    onPointerUp: (event: PointerEvent<HTMLCanvasElement>) => void;
    onPointerCancel: (event: PointerEvent<HTMLCanvasElement>) => void;
  };
}

function pointOf(event: { offsetX: number; offsetY: number }): Point {
  return { x: event.offsetX, y: event.offsetY };
}

function apart([one, other]: readonly Point[]): number {
  return one === undefined || other === undefined ? 0 : Math.hypot(one.x - other.x, one.y - other.y);
}

function middle([one, other]: readonly Point[]): Point {
  if (one === undefined) return { x: 0, y: 0 };
  return other === undefined ? one : { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}

export function useZoom(options: ZoomOptions): Zoom {
  const { canvas, layout, frame, place } = options;
  const [state, setState] = useState({ place, view: WHOLE });
  const view = useMemo(
    () => (state.place === place ? moved(state.view, { x: 0, y: 0 }, frame) : WHOLE),
    [state, place, frame],
  );
  const most = scaleMost(layout);
  const latest = useRef({ ...options, view, most });
  useEffect(() => {
    latest.current = { ...options, view, most };
  });
  const setView = (change: (was: View) => View): void =>
    setState((was) => ({ place, view: change(was.place === place ? was.view : WHOLE) }));

  // React listens to the wheel passively: the page would scroll as well.
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    function onWheel(event: WheelEvent): void {
      const { view: was, most: nearest, frame: within, onBeyond } = latest.current;
      const asked = event.ctrlKey || event.metaKey || document.activeElement === element;
      const beyond = event.deltaY < 0 ? was.scale >= nearest : was.scale <= 1;
      // Not asked for, the wheel scrolls the page.
      if (!asked || (beyond && !event.ctrlKey && !event.metaKey)) return;
      event.preventDefault();
      if (beyond) return onBeyond(event.deltaY < 0 ? "in" : "out", pointOf(event));
      const factor = WHEEL_STEP ** (-event.deltaY / 100);
      setView((view) => zoomed(view, factor, pointOf(event), within, nearest));
    }
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  });

  const handlers = usePointers(latest, setView);
  return {
    view,
    setView,
    step: (direction) =>
      setView((was) => zoomed(was, BUTTON_STEP ** direction, { x: frame.width / 2, y: frame.height / 2 }, frame, most)),
    handlers,
  };
}

type Latest = RefObject<ZoomOptions & { view: View; most: number }>;

function usePointers(latest: Latest, setView: (change: (was: View) => View) => void): Zoom["handlers"] {
  const down = useRef(new Map<number, Point>());
  const dragged = useRef(false);

  function onPointerDown(event: PointerEvent<HTMLCanvasElement>): void {
    if (down.current.size === 0) dragged.current = false;
    down.current.set(event.pointerId, pointOf(event.nativeEvent));
  }

  function onPointerMove(event: PointerEvent<HTMLCanvasElement>): void {
    const was = down.current.get(event.pointerId);
    if (was === undefined) return;
    const now = pointOf(event.nativeEvent);
    const alone = down.current.size === 1;
    if (alone && !dragged.current && Math.hypot(now.x - was.x, now.y - was.y) < DRAG_LEAST_PX) return;
    dragged.current = true;
    event.currentTarget.setPointerCapture(event.pointerId);
    const before = [...down.current.values()];
    down.current.set(event.pointerId, now);
    const after = [...down.current.values()];
    const { frame, most } = latest.current;
    const from = middle(before);
    const to = middle(after);
    const factor = alone ? 1 : apart(after) / Math.max(1, apart(before));
    setView((view) => moved(zoomed(view, factor, from, frame, most), { x: to.x - from.x, y: to.y - from.y }, frame));
  }

  function onPointerUp(event: PointerEvent<HTMLCanvasElement>): void {
    const pressed = down.current.delete(event.pointerId);
    if (pressed && !dragged.current) latest.current.onPress(pointOf(event.nativeEvent));
  }

  function onPointerCancel(event: PointerEvent<HTMLCanvasElement>): void {
    down.current.delete(event.pointerId);
  }

  return { onPointerDown, onPointerMove, onPointerUp, onPointerCancel };
}
