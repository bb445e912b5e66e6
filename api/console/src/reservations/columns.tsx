// What a row of the list says.
import { Link } from "@tanstack/react-router";
import type { Reservation } from "../api/model";
import { formatInstant, formatSpan, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Clipped } from "../ui/clipped";
import { StateChip } from "../ui/state-chip";
import type { Column } from "../ui/table";
import { toneOf } from "./states";
import { nameOf, whatOf, windowSeconds } from "./wish";

const NAME: Column<Reservation> = {
  key: "name",
  title: "Name",
  render: (row) => (
    <Link to="/reservations/$id" params={{ id: row.id }}>
      <Clipped text={nameOf(row)} />
    </Link>
  ),
};

const TENANT: Column<Reservation> = { key: "tenant", title: "Tenant", render: (row) => row.tenant ?? "" };

const STATE: Column<Reservation> = {
  key: "state",
  title: "State",
  render: (row) => (
    <span className="chips">
      <StateChip state={row.status.state ?? "pending"} tone={toneOf(row.status.state)} />
      {row.status.state === "active" && row.status.health !== "ok" && (
        <StateChip state={row.status.health} tone={toneOf(row.status.health)} />
      )}
    </span>
  ),
};

function lasts(row: Reservation): string {
  const seconds = windowSeconds(row);
  return seconds === null ? "open" : formatSpan(seconds);
}

/* What matters most comes first: on a small screen the last columns are reached by scrolling. */
function rest(): readonly Column<Reservation>[] {
  const zone = zoneName();
  return [
    STATE,
    { key: "what", title: "What", render: (row) => `${row.count} × ${whatOf(row)}` },
    {
      key: "delivered",
      title: "Delivered",
      align: "end",
      render: (row) => `${row.status.delivered_count} / ${row.count}`,
    },
    {
      key: "starts",
      title: `Starts (${zone})`,
      align: "end",
      render: (row) => formatInstant(row.status.starts_at ?? row.starts_at),
    },
    {
      key: "ends",
      title: `Ends (${zone})`,
      align: "end",
      render: (row) => formatInstant(row.status.ends_at ?? row.ends_at),
    },
    { key: "lasts", title: "Lasts", align: "end", render: lasts },
    { key: "tier", title: "Tier", render: (row) => words(row.tier) },
    { key: "project", title: "Project", render: (row) => row.project },
    { key: "zone", title: "Zone", render: (row) => row.zone },
  ];
}

export function columnsFor(isProvider: boolean): readonly Column<Reservation>[] {
  return isProvider ? [NAME, TENANT, ...rest()] : [NAME, ...rest()];
}
