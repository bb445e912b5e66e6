// All reservations that the principal may see; the filter lives in the address.
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { isProvider, type Reservation } from "../api/model";
import { useReservations } from "../api/queries";
import { usePrincipal } from "../app/principal";
import { countOf, formatCount, formatInstant, formatSpan, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Heading } from "../ui/heading";
import { ListTools } from "../ui/list-tools";
import { SearchBox } from "../ui/search-box";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { reservationStates, toneOf } from "./states";
import { nameOf, whatOf, windowSeconds } from "./wish";

const NAME: Column<Reservation> = {
  key: "name",
  title: "Name",
  sort: nameOf,
  render: (row) => (
    <Link to="/reservations/$id" params={{ id: row.id }}>
      {nameOf(row)}
    </Link>
  ),
};
const TENANT: Column<Reservation> = {
  key: "tenant",
  title: "Tenant",
  sort: (row) => row.tenant,
  render: (row) => row.tenant ?? "",
};
const REST: readonly Column<Reservation>[] = [
  {
    key: "state",
    title: "State",
    sort: (row) => row.status.state,
    render: (row) => (
      <span className="chips">
        <StateChip state={row.status.state ?? "pending"} tone={toneOf(row.status.state)} />
        {row.status.health != null && row.status.health !== "ok" && (
          <StateChip state={row.status.health} tone={toneOf(row.status.health)} />
        )}
      </span>
    ),
  },
  { key: "what", title: "What", sort: whatOf, render: (row) => `${row.count} × ${whatOf(row)}` },
  {
    key: "delivered",
    title: "Delivered",
    align: "end",
    render: (row) => `${row.status.delivered_count ?? 0} / ${row.count}`,
  },
  {
    key: "starts",
    title: "Starts",
    sort: (row) => row.status.starts_at ?? row.starts_at,
    align: "end",
    render: (row) => formatInstant(row.status.starts_at ?? row.starts_at),
  },
  {
    key: "ends",
    title: "Ends",
    align: "end",
    sort: (row) => row.status.ends_at ?? row.ends_at,
    render: (row) => formatInstant(row.status.ends_at ?? row.ends_at),
  },
  {
    key: "lasts",
    title: "Lasts",
    align: "end",
    sort: windowSeconds,
    render: (row) => {
      const seconds = windowSeconds(row);
      return seconds === null ? "open" : formatSpan(seconds);
    },
  },
];

export function ReservationsPage() {
  const me = usePrincipal();
  const { state, find } = useSearch({ from: "/reservations" });
  const navigate = useNavigate({ from: "/reservations" });
  const reservations = useReservations(me, state);
  const columns = useMemo(() => (isProvider(me) ? [NAME, TENANT, ...REST] : [NAME, ...REST]), [me]);

  const setState = (next: typeof state): void => void navigate({ search: (was) => ({ ...was, state: next }) });
  const setFind = (text: string): void =>
    void navigate({ search: (was) => ({ ...was, find: text === "" ? undefined : text }), replace: true });

  return (
    <>
      <Heading title="Reservations" />
      <div className="section-top">
        <div className="filter" role="group" aria-label="State">
          <button type="button" aria-pressed={state === undefined} onClick={() => setState(undefined)}>
            every state
          </button>
          {reservationStates.map((each) => (
            <button key={each} type="button" aria-pressed={state === each} onClick={() => setState(each)}>
              {words(each)}
            </button>
          ))}
        </div>
        <SearchBox label="Search reservations" value={find ?? ""} onChange={setFind} />
        <ListTools
          list={{ path: isProvider(me) ? "/v1/system/reservations" : "/v1/reservations", query: { state } }}
          name="reservations"
        />
      </div>
      <Loaded query={reservations} what="reservations">
        {({ items, capped }) => (
          <Found
            rows={matching(items, find)}
            all={items.length}
            capped={capped}
            columns={columns}
            filtered={state !== undefined}
          />
        )}
      </Loaded>
    </>
  );
}

interface FoundProps {
  rows: Reservation[];
  all: number;
  capped: boolean;
  filtered: boolean;
  columns: readonly Column<Reservation>[];
}

function Found({ rows, all, capped, filtered, columns }: FoundProps) {
  if (all === 0) {
    return filtered ? (
      <Empty title="No reservation is in this state" />
    ) : (
      <Empty title="No reservations yet">
        Make one with <code>POST /v1/reservations</code> or <code>sluice reservation create</code>; it appears here by
        itself.
      </Empty>
    );
  }
  return (
    <>
      <p className="fine" role="status">
        {rows.length === all
          ? countOf(all, "reservation")
          : `${formatCount(rows.length)} of ${countOf(all, "reservation")}`}
        {`, times in ${zoneName()}`}
        {capped && `, of more: only the first ${formatCount(all)} were fetched; narrow the state`}
      </p>
      {rows.length === 0 ? (
        <Empty title="None matches the search" />
      ) : (
        <DataTable label="Reservations" columns={columns} rows={rows} rowKey={(row) => row.id} />
      )}
    </>
  );
}

function matching(rows: readonly Reservation[], find: string | undefined): Reservation[] {
  const wanted = (find ?? "").toLowerCase();
  const found = rows.filter((row) =>
    `${row.name ?? ""} ${row.id} ${row.tenant ?? ""} ${whatOf(row)}`.toLowerCase().includes(wanted),
  );
  return found.sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
}
