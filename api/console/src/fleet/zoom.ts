// The map seen nearer: it is enlarged about a point and moved, and never leaves its frame. Pure.
import type { Label, Layout, Mark } from "./layout";

/** How many times larger than whole, and where the map's corner then lies, in pixels of the frame: at or before its own. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

export interface Frame {
  width: number;
  height: number;
}

interface Point {
  x: number;
  y: number;
}

export const WHOLE: View = { scale: 1, x: 0, y: 0 };
/** A mark of this height shows its name and its GPUs: nearer there is nothing to see. */
const MARK_MOST_PX = 44;
/** Nor does a small map become a wall. */
const SCALE_LEAST_MOST = 2;
/** Room that is kept around a mark that is brought into view. */
const AROUND_PX = 24;

export function scaleMost(layout: Layout): number {
  return Math.max(SCALE_LEAST_MOST, MARK_MOST_PX / Math.max(1, layout.size));
}

/** The map fills its frame wherever it is moved. */
function kept({ scale, x, y }: View, { width, height }: Frame): View {
  const within = (at: number, length: number): number => Math.min(0, Math.max(at, length - length * scale));
  return { scale, x: within(x, width), y: within(y, height) };
}

/** What is at the point stays there. */
export function zoomed(view: View, factor: number, at: Point, frame: Frame, most: number): View {
  const scale = Math.min(most, Math.max(1, view.scale * factor));
  const by = scale / view.scale;
  return kept({ scale, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by }, frame);
}

export function moved(view: View, by: Point, frame: Frame): View {
  return kept({ ...view, x: view.x + by.x, y: view.y + by.y }, frame);
}

/** Moved no further than it takes to have the mark, as it is shown, in the frame. */
export function revealing(view: View, mark: Mark, frame: Frame): View {
  const into = (at: number, length: number, room: number): number => {
    const before = at - AROUND_PX;
    const behind = at + length + AROUND_PX - room;
    return before < 0 ? -before : behind > 0 ? -behind : 0;
  };
  return moved(view, { x: into(mark.x, mark.width, frame.width), y: into(mark.y, mark.height, frame.height) }, frame);
}

/** Where everything lies as it is seen. Names keep their size: they are text. */
export function seen(layout: Layout, { scale, x, y }: View): Layout {
  if (scale === 1) return layout;
  const place = <T extends Label | Mark>(of: T): T => ({
    ...of,
    x: x + of.x * scale,
    y: y + of.y * scale,
    width: of.width * scale,
  });
  return {
    ...layout,
    marks: layout.marks.map((mark) => ({ ...place(mark), height: mark.height * scale })),
    racks: layout.racks.map(place),
    fabrics: layout.fabrics.map(place),
    size: layout.size * scale,
  };
}

/** Is any of it in the frame? */
export function isSeen(mark: Mark, frame: Frame): boolean {
  return mark.x < frame.width && mark.x + mark.width > 0 && mark.y < frame.height && mark.y + mark.height > 0;
}
