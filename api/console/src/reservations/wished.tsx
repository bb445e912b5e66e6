// What was wished and what is, side by side: where they differ it shows.
import type { ReactNode } from "react";
import type { Reservation } from "../api/model";
import { countOf, formatInstant, formatSpan, words } from "../format/text";
import { zoneName } from "../format/zone";
import { whatOf } from "./wish";

interface Pair {
  name: string;
  wished: ReactNode;
  observed: ReactNode;
}

function startOf({ starts_at, start_range, duration_s }: Reservation): string {
  if (start_range != null && duration_s != null) {
    const [from, to] = start_range as (string | null)[];
    return `${from == null ? "now" : formatInstant(from)} to ${formatInstant(to)}`;
  }
  return starts_at === null ? "at once" : formatInstant(starts_at);
}

function endOf({ ends_at, duration_s }: Reservation): string {
  if (duration_s != null) return `${formatSpan(duration_s)} after its start`;
  return ends_at === null ? "until cancelled" : formatInstant(ends_at);
}

function placementOf({ placement }: Reservation): string {
  const scope = placement.within === "zone" ? "anywhere in the zone" : `within one ${words(placement.within)}`;
  const mode = placement.within !== "zone" && placement.mode === "preferred" ? ", if it can be" : "";
  return `${scope}${mode}${placement.spread == null ? "" : `, no two in one ${placement.spread}`}`;
}

function waitlistText(reservation: Reservation): string | null {
  const waitlist = reservation.status.waitlist as { position?: number; estimated_start?: string | null } | null;
  if (waitlist?.position == null) return null;
  const estimate =
    waitlist.estimated_start == null ? "no start in sight" : `about ${formatInstant(waitlist.estimated_start)}`;
  return `number ${waitlist.position} of the waitlist, ${estimate}`;
}

function pairsOf(reservation: Reservation): Pair[] {
  const { status } = reservation;
  const granted = status.starts_at !== null;
  return [
    {
      name: "Instances",
      wished: `${reservation.count} × ${whatOf(reservation)}`,
      observed: `${countOf(status.delivered_count, "instance")} running`,
    },
    {
      name: "Starts",
      wished: startOf(reservation),
      observed: granted ? formatInstant(status.starts_at) : (waitlistText(reservation) ?? "not granted"),
    },
    {
      name: "Ends",
      wished: endOf(reservation),
      observed: granted ? (status.ends_at === null ? "open" : formatInstant(status.ends_at)) : "not granted",
    },
    { name: "Placement", wished: placementOf(reservation), observed: granted ? "as wished" : "none" },
    {
      name: "Verdict",
      wished: `if it does not fit: ${words(reservation.if_unavailable)}`,
      observed: status.reason == null ? words(status.state) : `${words(status.state)}: ${words(status.reason)}`,
    },
  ];
}

export function Wished({ reservation }: { reservation: Reservation }) {
  return (
    <section className="panel" aria-labelledby="wished-title">
      <h2 id="wished-title">Wished and observed</h2>
      <div className="table-box" tabIndex={0} role="group" aria-label="Wished and observed">
        <table className="pairs-table">
          <thead>
            <tr>
              <th scope="col">
                <span className="hidden">What</span>
              </th>
              <th scope="col">Wished</th>
              <th scope="col">Observed</th>
            </tr>
          </thead>
          <tbody>
            {pairsOf(reservation).map((pair) => (
              <tr key={pair.name}>
                <th scope="row">{pair.name}</th>
                <td>{pair.wished}</td>
                <td>{pair.observed}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="fine">
        {words(reservation.tier)} in {reservation.zone}, project {reservation.project}
        {reservation.tenant !== undefined && `, of ${reservation.tenant}`}
        {reservation.image !== null && `, boots ${reservation.image}`}
        {reservation.ssh_keys != null &&
          reservation.ssh_keys.length > 0 &&
          `, opened by ${reservation.ssh_keys.join(", ")}`}
        . Times are {zoneName()}.
      </p>
    </section>
  );
}
