// Where and when: the span of time, its first day, and the fabric or rack that one looks at.
import { focusText, isWithin, type Focus, type Rack } from "../fleet/model";
import { dayOf } from "../format/text";
import type { CalendarSearch } from "./routes";
import { instantOf, SPANS, type Span } from "./scale";

interface SpanPickerProps {
  search: CalendarSearch;
  span: Span;
  from_s: number;
  now: string;
  set: (change: CalendarSearch) => void;
}

export function SpanPicker({ search, span, from_s, now, set }: SpanPickerProps) {
  const day = instantOf(from_s).slice(0, 10);
  const shift = (spans: number): void => set({ from: dayOf(day, spans * span.days) });
  return (
    <div className="span-picker">
      <div className="filter" role="group" aria-label="Span">
        {SPANS.map((each) => (
          <button key={each.key} type="button" aria-pressed={each === span} onClick={() => set({ span: each.key })}>
            {each.title}
          </button>
        ))}
      </div>
      <span className="span-shift">
        <button type="button" className="icon" aria-label={`A ${span.key} earlier`} onClick={() => shift(-1)}>
          ‹
        </button>
        <input
          type="date"
          aria-label="First day"
          value={day}
          onChange={(event) => event.target.value !== "" && set({ from: event.target.value })}
        />
        <button type="button" className="icon" aria-label={`A ${span.key} later`} onClick={() => shift(1)}>
          ›
        </button>
        <button
          type="button"
          disabled={search.from === undefined || day === now.slice(0, 10)}
          onClick={() => set({ from: undefined })}
        >
          Today
        </button>
      </span>
    </div>
  );
}

interface RackPickerProps {
  racks: readonly Rack[];
  focus: Focus;
  onFocus: (focus: Focus) => void;
}

/** What lies one step nearer. */
export function RackPicker({ racks, focus, onFocus }: RackPickerProps) {
  if (focus.rack !== undefined) return null;
  const near = racks.filter((rack) => isWithin(rack, focus));
  const nearer = new Map<string, Focus>();
  for (const rack of near) {
    const to =
      focus.fabric === undefined
        ? { zone: rack.zone, fabric: rack.fabric }
        : { zone: rack.zone, fabric: rack.fabric, rack: rack.name };
    nearer.set(focusText(to) ?? "", to);
  }
  const level = focus.fabric === undefined ? "fabric" : "rack";
  return (
    <select
      aria-label={`Go to a ${level}`}
      value=""
      onChange={(event) => {
        const to = nearer.get(event.target.value);
        if (to !== undefined) onFocus(to);
      }}
    >
      <option value="">{level === "fabric" ? "All fabrics" : "All racks"}</option>
      {[...nearer].map(([key, to]) => (
        <option key={key} value={key}>
          {to.rack ?? to.fabric}
        </option>
      ))}
    </select>
  );
}
