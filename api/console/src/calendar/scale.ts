// Time as width: spans from a day to a year, where their ticks lie, and what a drag snaps to. Pure; seconds since 1970.
export interface Span {
  key: SpanKey;
  title: string;
  days: number;
  /** Steps of summed capacity, and of ticks. */
  step_s: number;
  tick_s: number;
  /** What a dragged edge snaps to. */
  snap_s: number;
}
export type SpanKey = "day" | "week" | "month" | "quarter" | "year";

const HOUR_S = 3600;
export const DAY_S = 24 * HOUR_S;

export const SPANS: readonly Span[] = [
  { key: "day", title: "Day", days: 1, step_s: HOUR_S, tick_s: 3 * HOUR_S, snap_s: HOUR_S },
  { key: "week", title: "Week", days: 7, step_s: 6 * HOUR_S, tick_s: DAY_S, snap_s: HOUR_S },
  { key: "month", title: "Month", days: 31, step_s: DAY_S, tick_s: 7 * DAY_S, snap_s: DAY_S },
  { key: "quarter", title: "Quarter", days: 92, step_s: 2 * DAY_S, tick_s: 7 * DAY_S, snap_s: DAY_S },
  { key: "year", title: "Year", days: 366, step_s: 7 * DAY_S, tick_s: 31 * DAY_S, snap_s: DAY_S },
];

export function spanOf(key: SpanKey | undefined): Span {
  return SPANS.find((span) => span.key === key) ?? (SPANS[2] as Span);
}

export const secondsOf = (instant: string): number => Date.parse(instant) / 1000;
export const instantOf = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

/** From one instant to another over so many pixels, from `left` on. */
export interface Scale {
  from_s: number;
  to_s: number;
  left: number;
  width: number;
}

export function xOf(scale: Scale, at_s: number): number {
  return scale.left + ((at_s - scale.from_s) / (scale.to_s - scale.from_s)) * scale.width;
}

export function timeAt(scale: Scale, x: number): number {
  return scale.from_s + ((x - scale.left) / scale.width) * (scale.to_s - scale.from_s);
}

export function snap(at_s: number, snap_s: number): number {
  return Math.round(at_s / snap_s) * snap_s;
}

/** A bar as the window shows it; null: it lies outside. */
export function clip(scale: Scale, from_s: number, to_s: number): { x: number; width: number } | null {
  const first = Math.max(from_s, scale.from_s);
  const after = Math.min(to_s, scale.to_s);
  if (first >= after) return null;
  const x = xOf(scale, first);
  return { x, width: Math.max(1, xOf(scale, after) - x) };
}

export interface Tick {
  at_s: number;
  label: string;
}

const DAY_LABEL = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const MONTH_LABEL = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });
const MONDAY_S = 4 * DAY_S; // 1970-01-05

/** Days are UTC, as billing's are: midnights, Mondays, firsts of months. */
export function ticksOf(span: Span, from_s: number, to_s: number): Tick[] {
  if (span.key === "year") return monthTicks(from_s, to_s);
  const offset = span.tick_s === 7 * DAY_S ? MONDAY_S : 0;
  const first = Math.ceil((from_s - offset) / span.tick_s) * span.tick_s + offset;
  const ticks: Tick[] = [];
  for (let at_s = first; at_s < to_s; at_s += span.tick_s) ticks.push({ at_s, label: tickLabel(at_s) });
  return ticks;
}

function tickLabel(at_s: number): string {
  const date = new Date(at_s * 1000);
  return at_s % DAY_S === 0 ? DAY_LABEL.format(date) : date.toISOString().slice(11, 16);
}

function monthTicks(from_s: number, to_s: number): Tick[] {
  const ticks: Tick[] = [];
  const start = new Date(from_s * 1000);
  for (let month = 0; ; month++) {
    const at_s = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + month, 1) / 1000;
    if (at_s >= to_s) return ticks;
    if (at_s >= from_s) ticks.push({ at_s, label: MONTH_LABEL.format(new Date(at_s * 1000)) });
  }
}
