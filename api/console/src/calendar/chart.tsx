// The calendar on its canvas: only the rows in sight are drawn. Pointer and arrows pick a booking; dragging its end or the
// whole of it proposes other terms, as Shift and Alt with the arrows do; nothing is asked for before it is confirmed.
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { countOf, formatInstant } from "../format/text";
import { mapColours } from "../fleet/look";
import type { Bucket } from "../fleet/paint";
import { prepareCanvas, useTheme, useWidth } from "../ui/canvas";
import { drawCalendar, HEAD_PX, ROW_PX, sayStep, type Proposal } from "./draw";
import { hitAt, nextSpot, propose, rowAt, type Spot, type Way } from "./pointing";
import type { Bar, Booking, Row } from "./rows";
import { instantOf, ticksOf, timeAt, type Scale, type Span } from "./scale";

const HEIGHT_MOST_PX = 640;
const NAMES_PX = 108;
const NAMES_NARROW_PX = 78;
const NARROW_PX = 600;
const WAYS: Readonly<Record<string, Way>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

interface ChartProps {
  rows: readonly Row[];
  bookings: readonly Booking[];
  span: Span;
  from_s: number;
  to_s: number;
  now_s: number;
  bucketOf: (bar: Bar) => Bucket;
  picked: string | undefined;
  onPick: (owner: string | undefined) => void;
  proposal: Proposal | null;
  onPropose: (proposal: Proposal | null) => void;
  /** The proposal is to be asked for; of none, the form opens with the present terms. */
  onConfirm: (owner: string) => void;
  onRack: (row: Row) => void;
}

interface Drag {
  booking: Booking;
  began_s: number;
  whole: boolean;
}

export function CalendarChart(props: ChartProps) {
  const { rows, bookings, span, from_s, to_s, now_s, bucketOf, picked, proposal } = props;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const theme = useTheme();
  const [scroll, setScroll] = useState(0);
  const [spot, setSpot] = useState<Spot | null>(null);
  const [tip, setTip] = useState<{ x: number; y: number; text: string } | null>(null);
  const drag = useRef<Drag | null>(null);
  const full = HEAD_PX + rows.length * ROW_PX + 2;
  const height = Math.min(HEIGHT_MOST_PX, full);
  const left = width < NARROW_PX ? NAMES_NARROW_PX : NAMES_PX;
  const scale = useMemo<Scale>(
    () => ({ from_s, to_s, left, width: Math.max(1, width - left - 2) }),
    [from_s, to_s, left, width],
  );
  const ticks = useMemo(() => ticksOf(span, from_s, to_s), [span, from_s, to_s]);
  const step_s = span.step_s;

  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const context = prepareCanvas(canvas.current, width, height);
    const scene = { rows, scale, ticks, now_s, step_s, scroll, height, bucketOf, picked, proposal };
    if (context !== null) drawCalendar(context, scene, mapColours());
  }, [rows, scale, ticks, now_s, step_s, scroll, height, bucketOf, picked, proposal, theme, width]);

  const bookingOf = (owner: string | undefined): Booking | undefined => bookings.find((each) => each.owner === owner);
  const barAt = (at: Spot | null): Bar | undefined => {
    const row = rows[at?.row ?? -1];
    return row?.type === "node" ? row.bars[at?.bar ?? -1] : undefined;
  };

  function pressed(event: PointerEvent<HTMLCanvasElement>): void {
    const { offsetX: x, offsetY: y } = event.nativeEvent;
    const hit = hitAt(rows, scale, x, y, scroll);
    setSpot(hit);
    const bar = barAt(hit);
    const row = rows[rowAt(y, scroll)];
    if (bar === undefined && row?.type === "rack") props.onRack(row);
    props.onPick(bar?.owner);
    props.onPropose(null);
    const booking = bookingOf(bar?.owner);
    if (hit === null || booking === undefined) return;
    drag.current = { booking, began_s: timeAt(scale, x), whole: !hit.edge };
    event.currentTarget.setPointerCapture(event.pointerId);
  }

  function moved(event: PointerEvent<HTMLCanvasElement>): void {
    const { offsetX: x, offsetY: y } = event.nativeEvent;
    if (drag.current === null) return setTip(tipAt(x, y));
    const { booking, began_s, whole } = drag.current;
    const by_s = timeAt(scale, x) - began_s;
    if (Math.abs(by_s) * (scale.width / (to_s - from_s)) < 4) return; // a click trembles
    const next = propose(booking, null, by_s, whole, now_s, span.snap_s);
    props.onPropose(next);
    setTip(next === null ? null : { x, y, text: sayProposal(booking, next) });
  }

  function released(): void {
    const dragged = drag.current;
    drag.current = null;
    setTip(null);
    if (dragged !== null && proposal !== null) props.onConfirm(dragged.booking.owner);
  }

  function tipAt(x: number, y: number): { x: number; y: number; text: string } | null {
    const row = rows[rowAt(y, scroll)];
    if (row === undefined) return null;
    if (row.type === "rack") return x < left ? null : { x, y, text: sayStep(row, timeAt(scale, x), step_s) };
    const bar = barAt(hitAt(rows, scale, x, y, scroll));
    return bar === undefined ? null : { x, y, text: sayBar(bar, row.name) };
  }

  function onKey(event: KeyboardEvent): void {
    const way = WAYS[event.key];
    const booking = bookingOf(picked);
    if (event.key === "Escape") props.onPropose(null);
    else if (event.key === "Enter" && booking !== undefined) props.onConfirm(booking.owner);
    else if (way !== undefined && (event.shiftKey || event.altKey) && booking !== undefined) {
      const by_s = way === "left" || way === "down" ? -span.snap_s : span.snap_s;
      const was = proposal?.owner === booking.owner ? proposal : null;
      props.onPropose(propose(booking, was, by_s, event.altKey, now_s, span.snap_s));
    } else if (way !== undefined) walk(way);
    else return;
    event.preventDefault();
  }

  function walk(way: Way): void {
    const next = nextSpot(rows, spot, way);
    setSpot(next);
    props.onPropose(null);
    props.onPick(barAt(next)?.owner);
    if (next === null || box.current === null) return;
    const top = next.row * ROW_PX;
    const room = height - HEAD_PX - ROW_PX;
    if (top < scroll) box.current.scrollTop = top;
    else if (top > scroll + room) box.current.scrollTop = top - room;
  }

  const said = barAt(spot);
  const booking = bookingOf(picked);
  return (
    <div
      className="calendar"
      ref={box}
      style={{ height }}
      onScroll={(event) => setScroll(event.currentTarget.scrollTop)}
    >
      <div style={{ height: full }}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-roledescription="calendar"
          aria-label={`Calendar of ${countOf(rows.length, rows[0]?.type === "rack" ? "rack" : "node")}. Arrow keys move from booking to booking; with Shift they propose another end, with Alt another time; Enter shows what that would do. The table below holds the same.`}
          onPointerDown={pressed}
          onPointerMove={moved}
          onPointerUp={released}
          onPointerLeave={() => setTip(null)}
          onKeyDown={onKey}
        />
      </div>
      {tip !== null && (
        <div
          className="tip"
          style={{
            top: tip.y + scroll + 16,
            ...(tip.x > width / 2 ? { right: width - tip.x + 8 } : { left: tip.x + 12 }),
          }}
          aria-hidden="true"
        >
          {tip.text}
        </div>
      )}
      <p className="hidden" aria-live="polite">
        {proposal !== null && booking !== undefined
          ? sayProposal(booking, proposal)
          : said !== undefined && sayBar(said, rows[spot?.row ?? -1]?.name ?? "")}
      </p>
    </div>
  );
}

const endOf = (to_s: number): string => (to_s === Infinity ? "open" : formatInstant(instantOf(to_s)));

function sayBar(bar: Bar, node: string): string {
  const what = bar.kind === "instance" ? `${bar.name}, ${bar.tenant ?? ""}` : bar.kind;
  return `${what} on ${node}: ${formatInstant(instantOf(bar.from_s))} to ${endOf(bar.to_s)}`;
}

function sayProposal(booking: Booking, proposal: Proposal): string {
  return `${booking.name}: ${formatInstant(instantOf(proposal.from_s))} to ${endOf(proposal.to_s)}, proposed`;
}
