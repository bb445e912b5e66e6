// How the map is brought nearer and moved: the wheel, two fingers, and dragging. A press that does not move is a choice.
import { useEffect, useMemo, useRef, useState, type RefObject } from "react";
import type { Layout } from "./layout";
import { pointers, pointOf, type Point, type PointerHandlers } from "./pointers";
import { moved, scaleMost, WHOLE, zoomed, type Frame, type View } from "./zoom";

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
  handlers: PointerHandlers;
}

export function useZoom(options: ZoomOptions): Zoom {
  const { canvas, layout, frame, place } = options;
  const [state, setState] = useState({ place, view: WHOLE });
  const view = useMemo(
    () => (state.place === place ? moved(state.view, { x: 0, y: 0 }, frame) : WHOLE),
    [state, place, frame],
  );
  const most = scaleMost(layout);
  const setView = (change: (was: View) => View): void =>
    setState((was) => ({ place, view: change(was.place === place ? was.view : WHOLE) }));
  const latest = useRef({ ...options, view, most, setView });
  useEffect(() => {
    latest.current = { ...options, view, most, setView };
  });
  const [handlers] = useState(() => pointers(() => latest.current));

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

  return {
    view,
    setView,
    step: (direction) =>
      setView((was) => zoomed(was, BUTTON_STEP ** direction, { x: frame.width / 2, y: frame.height / 2 }, frame, most)),
    handlers,
  };
}
