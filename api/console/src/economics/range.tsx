// The range of days that a report is about, and how fresh it is.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { usePrincipal } from "../app/principal";
import { dayOf, formatDate, formatInstant } from "../format/text";
import { zoneName } from "../format/zone";
import { DAYS_DEFAULT, RANGES } from "./choices";

export interface Range {
  from: string;
  /** Exclusive. */
  to: string;
  days: number;
}

/** The days asked for, up to today: today is provisional. */
export function useRange(): Range {
  const me = usePrincipal();
  const days = useSearch({ from: "/economics" }).days ?? DAYS_DEFAULT;
  const to = dayOf(me.domain_time, 1);
  return { from: dayOf(to, -days), to, days };
}

interface Fresh {
  provisional?: boolean;
  as_of?: string | null;
}

export function RangeChoice({ range, fresh }: { range: Range; fresh: Fresh | undefined }) {
  const navigate = useNavigate({ from: "/economics" });
  return (
    <>
      <div className="filter" role="group" aria-label="Range">
        {RANGES.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={range.days === each}
            onClick={() => void navigate({ search: (was) => ({ ...was, days: each }) })}
          >
            {each} days
          </button>
        ))}
      </div>
      <span className="fine">
        {formatDate(range.from)} to {formatDate(dayOf(range.to, -1))}, days in UTC
        {fresh?.as_of != null && ` · as of ${formatInstant(fresh.as_of)} ${zoneName(fresh.as_of)}`}
        {fresh?.provisional === true && ", today provisional"}
      </span>
    </>
  );
}
