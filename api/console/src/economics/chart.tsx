// Revenue against amortization by day. Bars are revenue, the stepped line is what the fleet costs that day; a bar that
// stays below the line is hatched, so that a losing day shows without colour.
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { formatMicro, formatShort } from "../format/money";
import { formatDate } from "../format/text";
import { CANVAS_FONT, cssColours, prepareCanvas, useTheme, useWidth } from "../ui/canvas";
import { axisSteps, fraction, type Day } from "./series";

const HEIGHT_PX = 300;
const LEFT_PX = 64;
const TOP_PX = 10;
const BOTTOM_PX = 26;
const DATE_LEAST_PX = 84;

interface Plot {
  days: readonly Day[];
  steps: bigint[];
  width: number;
  currency: string;
}

function topOf(plot: Plot, value: bigint): number {
  return TOP_PX + (HEIGHT_PX - TOP_PX - BOTTOM_PX) * (1 - fraction(value, plot.steps.at(-1) ?? 1n));
}

function slotOf(plot: Plot): number {
  return (plot.width - LEFT_PX) / Math.max(1, plot.days.length);
}

function drawAxes(context: CanvasRenderingContext2D, plot: Plot, colours: Record<string, string>): void {
  context.font = `400 11px ${CANVAS_FONT}`;
  context.fillStyle = colours.muted ?? "";
  context.strokeStyle = colours.line ?? "";
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const step of plot.steps) {
    const y = Math.round(topOf(plot, step)) + 0.5;
    context.beginPath();
    context.moveTo(LEFT_PX, y);
    context.lineTo(plot.width, y);
    context.stroke();
    context.fillText(step === 0n ? "0" : formatShort(step, plot.currency), LEFT_PX - 10, y);
  }
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  const every = Math.max(1, Math.ceil(DATE_LEAST_PX / slotOf(plot)));
  plot.days.forEach(({ day }, index) => {
    const x = LEFT_PX + index * slotOf(plot);
    if (index % every === 0 && x + 50 < plot.width)
      context.fillText(formatDate(day).replace(/ \d+$/, ""), x, HEIGHT_PX - 8);
  });
}

function hatch(context: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const ink = tile.getContext("2d");
  if (ink === null) return colour;
  ink.strokeStyle = colour;
  ink.lineWidth = 1.6;
  ink.beginPath();
  for (const offset of [-6, 0, 6]) {
    ink.moveTo(offset - 1, 7);
    ink.lineTo(offset + 7, -1);
  }
  ink.stroke();
  return context.createPattern(tile, "repeat") ?? colour;
}

function drawBars(
  context: CanvasRenderingContext2D,
  plot: Plot,
  colours: Record<string, string>,
  chosen: number | null,
): void {
  const slot = slotOf(plot);
  const gap = slot > 10 ? 3 : slot > 4 ? 1 : 0;
  const losing = hatch(context, colours["money-loss"] ?? "");
  plot.days.forEach((day, index) => {
    const x = LEFT_PX + index * slot + gap / 2;
    const y = topOf(plot, day.revenue);
    const width = Math.max(1, slot - gap);
    const height = HEIGHT_PX - BOTTOM_PX - y;
    context.globalAlpha = chosen === null || chosen === index ? 1 : 0.55;
    const loses = day.revenue < day.amortization;
    context.fillStyle = loses ? losing : (colours["money-revenue"] ?? "");
    context.fillRect(x, y, width, height);
    if (loses && height > 1) {
      context.strokeStyle = colours["money-loss"] ?? "";
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, Math.max(0, width - 1), height - 1);
    }
  });
  context.globalAlpha = 1;
}

function drawCost(context: CanvasRenderingContext2D, plot: Plot, colours: Record<string, string>): void {
  const slot = slotOf(plot);
  for (const [colour, width] of [
    [colours.surface, 5],
    [colours["money-cost"], 2],
  ] as const) {
    context.strokeStyle = colour ?? "";
    context.lineWidth = width;
    context.beginPath();
    plot.days.forEach((day, index) => {
      const y = topOf(plot, day.amortization);
      if (index === 0) context.moveTo(LEFT_PX, y);
      else context.lineTo(LEFT_PX + index * slot, y);
      context.lineTo(LEFT_PX + (index + 1) * slot, y);
    });
    context.stroke();
  }
}

export function DayChart({ days, currency }: { days: readonly Day[]; currency: string }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const theme = useTheme();
  const [chosen, setChosen] = useState<number | null>(null);
  const plot = useMemo<Plot>(() => {
    const most = days.reduce((max, day) => [max, day.revenue, day.amortization].reduce((a, b) => (a > b ? a : b)), 0n);
    return { days, steps: axisSteps(most), width, currency };
  }, [days, width, currency]);

  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const context = prepareCanvas(canvas.current, width, HEIGHT_PX);
    if (context === null) return;
    const colours = cssColours(["muted", "line", "surface", "money-revenue", "money-cost", "money-loss"]);
    drawAxes(context, plot, colours);
    drawBars(context, plot, colours, chosen);
    drawCost(context, plot, colours);
  }, [plot, chosen, theme, width]);

  function at(offsetX: number): number | null {
    const index = Math.floor((offsetX - LEFT_PX) / slotOf(plot));
    return index >= 0 && index < days.length ? index : null;
  }

  function onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (step === 0) return;
    event.preventDefault();
    setChosen((was) => Math.min(days.length - 1, Math.max(0, (was ?? (step > 0 ? -1 : days.length)) + step)));
  }

  return (
    <div className="chart" ref={box}>
      <Readout day={chosen === null ? undefined : days[chosen]} currency={currency} />
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-roledescription="chart"
        aria-label={`Revenue and amortization of ${days.length} days. Left and right arrows read day by day; the table below holds the same.`}
        onPointerMove={(event) => setChosen(at(event.nativeEvent.offsetX))}
        onPointerLeave={() => setChosen(null)}
        onKeyDown={onKey}
        onBlur={() => setChosen(null)}
      />
    </div>
  );
}

/** The key of the chart, and the numbers of the day that is pointed at. */
function Readout({ day, currency }: { day: Day | undefined; currency: string }) {
  return (
    <p className="readout" aria-live="polite">
      <span className="key key-revenue">
        Revenue{day !== undefined && <b> {formatMicro(day.revenue, currency)}</b>}
      </span>
      <span className="key key-loss">below cost</span>
      <span className="key key-cost">
        Amortization{day !== undefined && <b> {formatMicro(day.amortization, currency)}</b>}
      </span>
      {day !== undefined && (
        <span className="readout-day">
          {formatDate(day.day)}: margin <b>{formatMicro(day.revenue - day.amortization, currency)}</b>
        </span>
      )}
    </p>
  );
}
