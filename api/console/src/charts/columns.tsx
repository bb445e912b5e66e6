// Columns over time, stacked of parts, with a stepped line above them. The columns are read by pointer and by arrow keys;
// whoever shows the chart puts the same numbers into a table below it.
import { useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { formatMicro, formatShort } from "../format/money";
import { useWidth } from "../ui/canvas";
import { Patterns, Swatch } from "./patterns";
import { axisOf, heightOn, labelEvery, stackOf } from "./scale";
import "./charts.css";

export interface ColumnData {
  key: string;
  /** Below the column: "14 Mar". */
  short: string;
  /** In the readout: "14 Mar 2026". */
  name: string;
  /** Of each series, micro-units. */
  parts: readonly bigint[];
  line?: bigint;
  /** Hatched in the colour of loss, whatever its series. */
  alarming?: boolean;
}

interface ColumnChartProps {
  label: string;
  columns: readonly ColumnData[];
  series: readonly string[];
  currency: string;
  /** What the line is, where columns have one. */
  line?: string;
  /** What an alarming column is. */
  alarm?: string;
  /** Shown after the name of a chosen column. */
  note?: (column: ColumnData) => string;
}

const HEIGHT_PX = 280;
const LEFT_PX = 66;
const TOP_PX = 10;
const BOTTOM_PX = 26;
const LABEL_PX = 64;

interface Plot {
  axis: bigint[];
  slot: number;
  width: number;
}

function yOf({ axis }: Plot, value: bigint): number {
  return TOP_PX + (HEIGHT_PX - TOP_PX - BOTTOM_PX) * (1 - heightOn(axis, value));
}

function axisFor(columns: readonly ColumnData[]): bigint[] {
  const ends = columns.flatMap((column) => [
    ...stackOf(column.parts).map((piece) => piece.to),
    ...(column.line === undefined ? [] : [column.line]),
  ]);
  const least = ends.reduce((a, b) => (b < a ? b : a), 0n);
  return axisOf(
    least,
    ends.reduce((a, b) => (b > a ? b : a), 0n),
  );
}

export function ColumnChart(props: ColumnChartProps) {
  const { label, columns, series, currency } = props;
  const id = useId().replaceAll(":", "");
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [chosen, setChosen] = useState<number | null>(null);
  const plot = useMemo<Plot>(
    () => ({ axis: axisFor(columns), slot: (width - LEFT_PX) / Math.max(1, columns.length), width }),
    [columns, width],
  );

  function onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (step === 0) return;
    event.preventDefault();
    setChosen((was) => Math.min(columns.length - 1, Math.max(0, (was ?? (step > 0 ? -1 : columns.length)) + step)));
  }

  return (
    <div className="chart" ref={box}>
      <Readout {...props} id={id} column={chosen === null ? undefined : columns[chosen]} />
      <div
        className="plot"
        tabIndex={0}
        role="application"
        aria-roledescription="chart"
        aria-label={`${label}: ${columns.length} columns. Left and right arrows read them; the table below holds the same.`}
        onPointerMove={(event) => setChosen(columnAt(event.nativeEvent.offsetX, plot, columns.length))}
        onPointerLeave={() => setChosen(null)}
        onKeyDown={onKey}
        onBlur={() => setChosen(null)}
      >
        {width > 0 && (
          <svg width={width} height={HEIGHT_PX} aria-hidden="true">
            <Patterns id={id} count={series.length} />
            <Axis plot={plot} columns={columns} currency={currency} />
            {columns.map((column, index) => (
              <Bar
                key={column.key}
                id={id}
                plot={plot}
                column={column}
                index={index}
                dimmed={chosen !== null && chosen !== index}
              />
            ))}
            {props.line !== undefined && <path className="chart-line" d={lineOf(plot, columns)} />}
          </svg>
        )}
      </div>
    </div>
  );
}

function columnAt(offsetX: number, plot: Plot, count: number): number | null {
  const index = Math.floor((offsetX - LEFT_PX) / plot.slot);
  return index >= 0 && index < count ? index : null;
}

function Axis({ plot, columns, currency }: { plot: Plot; columns: readonly ColumnData[]; currency: string }) {
  const every = labelEvery(columns.length, plot.width - LEFT_PX, LABEL_PX);
  return (
    <>
      {plot.axis.map((value) => {
        const y = Math.round(yOf(plot, value)) + 0.5;
        return (
          <g key={String(value)}>
            <line className={value === 0n ? "grid zero" : "grid"} x1={LEFT_PX} x2={plot.width} y1={y} y2={y} />
            <text className="tick" x={LEFT_PX - 10} y={y + 4} textAnchor="end">
              {value === 0n ? "0" : formatShort(value, currency)}
            </text>
          </g>
        );
      })}
      {columns.map(
        ({ key, short }, index) =>
          index % every === 0 &&
          LEFT_PX + index * plot.slot + 44 < plot.width && (
            <text key={key} className="tick" x={LEFT_PX + index * plot.slot} y={HEIGHT_PX - 8}>
              {short}
            </text>
          ),
      )}
    </>
  );
}

interface BarProps {
  id: string;
  plot: Plot;
  column: ColumnData;
  index: number;
  dimmed: boolean;
}

function Bar({ id, plot, column, index, dimmed }: BarProps) {
  const gap = plot.slot > 10 ? 3 : plot.slot > 4 ? 1 : 0;
  const x = LEFT_PX + index * plot.slot + gap / 2;
  const width = Math.max(1, plot.slot - gap);
  return (
    <g opacity={dimmed ? 0.45 : 1}>
      {stackOf(column.parts).map(({ series, from, to }) => {
        const top = Math.min(yOf(plot, from), yOf(plot, to));
        const height = Math.abs(yOf(plot, from) - yOf(plot, to));
        return column.alarming === true ? (
          <rect
            key={series}
            className="outlined"
            x={x}
            y={top}
            width={width}
            height={height}
            fill={`url(#${id}-alarm)`}
          />
        ) : (
          <rect key={series} x={x} y={top} width={width} height={height} fill={`url(#${id}-${series})`} />
        );
      })}
    </g>
  );
}

function lineOf(plot: Plot, columns: readonly ColumnData[]): string {
  return columns
    .map(({ line = 0n }, index) => {
      const y = yOf(plot, line).toFixed(1);
      return `${index === 0 ? "M" : "L"}${LEFT_PX + index * plot.slot} ${y}L${LEFT_PX + (index + 1) * plot.slot} ${y}`;
    })
    .join("");
}

interface ReadoutProps extends ColumnChartProps {
  id: string;
  column: ColumnData | undefined;
}

/** The key of the chart, and the numbers of the column that is pointed at. */
function Readout({ id, column, series, currency, line, alarm, note }: ReadoutProps) {
  return (
    <p className="readout" aria-live="polite">
      {series.map((name, index) => (
        <span key={name} className="key">
          <Swatch id={id} series={index} />
          {name}
          {column !== undefined && <b> {formatMicro(column.parts[index] ?? 0n, currency)}</b>}
        </span>
      ))}
      {alarm !== undefined && (
        <span className="key">
          <Swatch id={id} series="alarm" />
          {alarm}
        </span>
      )}
      {line !== undefined && (
        <span className="key key-line">
          {line}
          {column !== undefined && <b> {formatMicro(column.line ?? 0n, currency)}</b>}
        </span>
      )}
      {column !== undefined && (
        <span className="readout-day">
          {column.name}
          {note !== undefined && <>: {note(column)}</>}
        </span>
      )}
    </p>
  );
}
