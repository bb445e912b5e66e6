// Curves over months against a level: what came back against what was paid. Read by arrow keys, month by month.
import { useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { formatMicro, formatShort } from "../format/money";
import { useWidth } from "../ui/canvas";
import { axisOf, heightOn } from "./scale";
import "./charts.css";

export interface Curve {
  name: string;
  /** How it is drawn: charts.css has .curve-main, .curve-past and .curve-value. */
  kind: "main" | "past" | "value";
  /** The value at the end of each month, from month 0. */
  values: readonly bigint[];
}

interface Mark {
  month: number;
  name: string;
  chosen: boolean;
}

interface CurveChartProps {
  label: string;
  curves: readonly Curve[];
  months: number;
  level: { name: string; value: bigint };
  marks: readonly Mark[];
  currency: string;
}

const HEIGHT_PX = 320;
const LEFT_PX = 70;
const TOP_PX = 26;
const BOTTOM_PX = 28;
const RIGHT_PX = 14;

export function CurveChart({ label, curves, months, level, marks, currency }: CurveChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const width = useWidth(box);
  const [month, setMonth] = useState<number | null>(null);
  const axis = useMemo(() => {
    const values = [level.value, ...curves.flatMap((curve) => curve.values)];
    return axisOf(
      values.reduce((a, b) => (b < a ? b : a), 0n),
      values.reduce((a, b) => (b > a ? b : a), 0n),
    );
  }, [curves, level.value]);
  const x = (at: number): number => LEFT_PX + ((width - LEFT_PX - RIGHT_PX) * at) / Math.max(1, months);
  const y = (value: bigint): number => TOP_PX + (HEIGHT_PX - TOP_PX - BOTTOM_PX) * (1 - heightOn(axis, value));

  function onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (step === 0) return;
    event.preventDefault();
    setMonth((was) => Math.min(months, Math.max(0, (was ?? (step > 0 ? -1 : months + 1)) + step)));
  }

  return (
    <div className="chart" ref={box}>
      <p className="readout" aria-live="polite" id={id}>
        {curves.map((curve) => (
          <span key={curve.name} className={`key key-${curve.kind}`}>
            {curve.name}
            {month !== null && curve.values[month] !== undefined && (
              <b> {formatMicro(curve.values[month], currency)}</b>
            )}
          </span>
        ))}
        <span className="key key-level">
          {level.name} <b>{formatMicro(level.value, currency)}</b>
        </span>
        {month !== null && <span className="readout-day">Month {month}</span>}
      </p>
      <div
        className="plot"
        tabIndex={0}
        role="application"
        aria-roledescription="chart"
        aria-label={`${label}: ${months} months. Left and right arrows read them.`}
        onPointerMove={(event) =>
          setMonth(
            Math.min(
              months,
              Math.max(0, Math.round(((event.nativeEvent.offsetX - LEFT_PX) / (width - LEFT_PX - RIGHT_PX)) * months)),
            ),
          )
        }
        onPointerLeave={() => setMonth(null)}
        onKeyDown={onKey}
        onBlur={() => setMonth(null)}
      >
        {width > 0 && (
          <svg width={width} height={HEIGHT_PX} aria-hidden="true">
            {axis.map((value) => (
              <g key={String(value)}>
                <line
                  className={value === 0n ? "grid zero" : "grid"}
                  x1={LEFT_PX}
                  x2={width - RIGHT_PX}
                  y1={y(value)}
                  y2={y(value)}
                />
                <text className="tick" x={LEFT_PX - 10} y={y(value) + 4} textAnchor="end">
                  {value === 0n ? "0" : formatShort(value, currency)}
                </text>
              </g>
            ))}
            {Array.from({ length: Math.floor(months / 12) + 1 }, (_, year) => (
              <text key={year} className="tick" x={x(year * 12)} y={HEIGHT_PX - 8} textAnchor="middle">
                {year * 12}
              </text>
            ))}
            {marks.map((mark) => (
              <g key={mark.month} className={mark.chosen ? "life life-chosen" : "life"}>
                <line x1={x(mark.month)} x2={x(mark.month)} y1={TOP_PX} y2={HEIGHT_PX - BOTTOM_PX} />
                <text x={x(mark.month)} y={TOP_PX - 8} textAnchor="middle">
                  {mark.name}
                </text>
              </g>
            ))}
            <line className="level" x1={LEFT_PX} x2={width - RIGHT_PX} y1={y(level.value)} y2={y(level.value)} />
            {curves.map((curve) => (
              <path
                key={curve.name}
                className={`curve curve-${curve.kind}`}
                d={curve.values
                  .map((value, at) => `${at === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`)
                  .join("")}
              />
            ))}
            {month !== null && (
              <line className="cursor" x1={x(month)} x2={x(month)} y1={TOP_PX} y2={HEIGHT_PX - BOTTOM_PX} />
            )}
          </svg>
        )}
      </div>
    </div>
  );
}
