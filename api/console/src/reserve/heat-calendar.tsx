// A calendar of what is free: weeks below each other, a day a cell, which says its number and is shaded by it.
import { useMemo, useRef, useState, type KeyboardEvent } from "react";
import { formatCount, formatDate } from "../format/text";
import { dayBeside, shadeOf, weeksOf, type Day, type Steps } from "./calendar";

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

interface HeatCalendarProps {
  label: string;
  steps: Steps;
  weeks: number;
  /** How many are wanted: fewer are shown as too few. */
  needed: number;
  /** Days chosen, both included. */
  from?: string | undefined;
  to?: string | undefined;
  onDay?: (day: string) => void;
}

export function HeatCalendar({ label, steps, weeks, needed, from, to, onDay }: HeatCalendarProps) {
  const rows = useMemo(() => weeksOf(steps, weeks), [steps, weeks]);
  const known = rows.flat().filter((day) => day.least !== null);
  const most = Math.max(0, ...known.map((day) => day.least ?? 0));
  const days = known.map((day) => day.day);
  const table = useRef<HTMLTableElement>(null);
  const [at, setAt] = useState<string>();
  const current = at !== undefined && days.includes(at) ? at : (from ?? days[0]);

  function onKey(event: KeyboardEvent): void {
    if (!event.key.startsWith("Arrow") || current === undefined) return;
    event.preventDefault();
    const next = dayBeside(days, current, event.key);
    setAt(next);
    table.current?.querySelector<HTMLElement>(`[data-day="${next}"]`)?.focus();
  }

  return (
    <table className="heat" ref={table} aria-label={label} onKeyDown={onKey}>
      <thead>
        <tr>
          <th scope="col">Week of</th>
          {WEEKDAYS.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((week) => (
          <tr key={week[0]?.day}>
            <th scope="row">{formatDate(week[0]?.day ?? "").replace(/ \d{4}$/, "")}</th>
            {week.map((day) => (
              <Cell
                key={day.day}
                day={day}
                shade={day.least === null ? null : shadeOf(day.least, needed, most)}
                chosen={from !== undefined && day.day >= from && day.day <= (to ?? from)}
                reachable={day.day === current}
                onDay={onDay}
              />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CellProps {
  day: Day;
  shade: number | null;
  chosen: boolean;
  reachable: boolean;
  onDay: ((day: string) => void) | undefined;
}

function Cell({ day, shade, chosen, reachable, onDay }: CellProps) {
  if (day.least === null || shade === null) return <td className="heat-unknown" />;
  const number = Number(day.day.slice(8));
  const content = (
    <>
      <small>{number}</small>
      <span>{formatCount(day.least)}</span>
      <span className="hidden">
        free throughout {formatDate(day.day)}, {formatCount(day.most ?? 0)} at best{shade === 1 && ", too few"}
      </span>
    </>
  );
  return (
    <td className={`heat-${shade}`}>
      {onDay === undefined ? (
        <span className="heat-day">{content}</span>
      ) : (
        <button
          type="button"
          className="heat-day"
          data-day={day.day}
          tabIndex={reachable ? 0 : -1}
          aria-pressed={chosen}

          onClick={() => onDay(day.day)}
        >
          {content}
        </button>
      )}
    </td>
  );
}

export function HeatLegend() {
  return (
    <p className="heat-legend fine">
      <i className="heat-0" /> none free <i className="heat-1" /> too few <i className="heat-2" />
      <i className="heat-3" />
      <i className="heat-4" /> free throughout the day, few to many
    </p>
  );
}
