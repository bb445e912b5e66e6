// From a point, or a key, to what is meant: a bar, its edge, the next one. Pure.
import { HEAD_PX, ROW_PX, type Proposal } from "./draw";
import type { Bar, Booking, Row } from "./rows";
import { snap, timeAt, xOf, type Scale } from "./scale";

/** How near to a bar's end the pointer takes that end. */
const EDGE_PX = 7;

export interface Spot {
  row: number;
  bar: number;
}

export interface Hit extends Spot {
  /** Its end, rather than the whole of it. */
  edge: boolean;
}

export function rowAt(y: number, scroll: number): number {
  return y < HEAD_PX ? -1 : Math.floor((y - HEAD_PX + scroll) / ROW_PX);
}

export function hitAt(rows: readonly Row[], scale: Scale, x: number, y: number, scroll: number): Hit | null {
  const index = rowAt(y, scroll);
  const row = rows[index];
  if (row?.type !== "node" || x < scale.left) return null;
  const at_s = timeAt(scale, x);
  const within = (bar: Bar): boolean => bar.from_s <= at_s && at_s < bar.to_s;
  const near = (bar: Bar): boolean => bar.to_s !== Infinity && Math.abs(xOf(scale, bar.to_s) - x) <= EDGE_PX;
  const bars = row.bars.map((bar, at) => ({ bar, at })).filter(({ bar }) => bar.kind !== "turnaround");
  const hit = bars.find(({ bar }) => near(bar)) ?? bars.find(({ bar }) => within(bar));
  return hit === undefined ? null : { row: index, bar: hit.at, edge: near(hit.bar) };
}

export type Way = "left" | "right" | "up" | "down";

/** The bar that way: the one before or after in the row, or the nearest in time of the next row that has any. */
export function nextSpot(rows: readonly Row[], from: Spot | null, way: Way): Spot | null {
  const bars = (index: number): Bar[] => {
    const row = rows[index];
    return row?.type === "node" ? row.bars : [];
  };
  const first = rows.findIndex((_, index) => bars(index).length > 0);
  if (from === null || bars(from.row)[from.bar] === undefined) return first === -1 ? null : { row: first, bar: 0 };
  if (way === "left") return { ...from, bar: Math.max(0, from.bar - 1) };
  if (way === "right") return { ...from, bar: Math.min(bars(from.row).length - 1, from.bar + 1) };
  const at_s = bars(from.row)[from.bar]?.from_s ?? 0;
  const step = way === "up" ? -1 : 1;
  for (let index = from.row + step; index >= 0 && index < rows.length; index += step) {
    const near = bars(index)
      .map((bar, at) => ({ at, away: Math.abs(bar.from_s - at_s) }))
      .sort((a, b) => a.away - b.away)[0];
    if (near !== undefined) return { row: index, bar: near.at };
  }
  return from;
}

/** A proposal `by_s` later or earlier: the end alone, or (of what has not begun) the whole; what has begun keeps its start, and
 * what has no end has none to move. */
export function propose(
  booking: Booking,
  was: Proposal | null,
  by_s: number,
  whole: boolean,
  now_s: number,
  snap_s: number,
): Proposal | null {
  if (booking.kind !== "instance") return null;
  const from_s = was?.from_s ?? booking.from_s;
  const to_s = was?.to_s ?? booking.to_s;
  if (to_s === Infinity) return null;
  const moves = whole && booking.from_s > now_s;
  const start = moves ? snap(from_s + by_s, snap_s) : from_s;
  const shift = moves ? start - from_s : by_s;
  const end = snap(to_s + shift, moves ? 1 : snap_s);
  if (start < now_s && moves) return was;
  if (end <= Math.max(start, now_s)) return was;
  return { owner: booking.owner, from_s: start, to_s: end };
}
