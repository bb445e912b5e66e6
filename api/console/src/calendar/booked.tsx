// What is booked: the chart, what is picked of it with the terms that are proposed, and the same as a table.
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { usePrincipal } from "../app/principal";
import { Swatch } from "../fleet/legend";
import type { Focus } from "../fleet/model";
import { tenantBuckets, type Bucket } from "../fleet/paint";
import { countOf, formatCount, formatInstant } from "../format/text";
import { zoneName } from "../format/zone";
import { ActionButton } from "../ui/action";
import { ActionDialog } from "../ui/action-dialog";
import { ListTools } from "../ui/list-tools";
import { Empty } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { CalendarChart } from "./chart";
import { KINDS, USE_LOOKS, type Proposal } from "./draw";
import { amendAction } from "./propose";
import { bookingsOf, USES, type Bar, type Booking, type Row } from "./rows";
import type { CalendarSearch } from "./routes";
import { instantOf, type Span } from "./scale";

interface BookedProps {
  rows: readonly Row[];
  span: Span;
  from_s: number;
  to_s: number;
  now_s: number;
  search: CalendarSearch;
  set: (change: CalendarSearch) => void;
  go: (focus: Focus) => void;
  focus: Focus;
}

export function Booked({ rows, span, from_s, to_s, now_s, search, set, go, focus }: BookedProps) {
  const me = usePrincipal();
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [asking, setAsking] = useState<string | null>(null);
  const bookings = useMemo(() => bookingsOf(rows.filter((row) => row.type === "node")), [rows]);
  const { legend, bucketOf } = useMemo(() => looksOf(rows), [rows]);
  const picked = bookings.find((booking) => booking.owner === search.pick);
  const asked = bookings.find((booking) => booking.owner === asking);
  if (rows.length === 0) return <Empty title="No nodes here" />;
  return (
    <>
      <div className="legend" role="group" aria-label="Legend">
        {legend.map((bucket) => (
          <span key={bucket.key} className="legend-note">
            <Swatch bucket={bucket} /> {bucket.label}
          </span>
        ))}
        <span className="legend-note">times in {zoneName()}; ticks are days in UTC</span>
      </div>
      <CalendarChart
        {...{ rows, bookings, span, from_s, to_s, now_s, bucketOf, proposal }}
        picked={search.pick}
        onPick={(pick) => set({ pick })}
        onPropose={setProposal}
        onConfirm={setAsking}
        onRack={(row) => go({ zone: focus.zone, fabric: row.group, ...(row.name !== row.group && { rack: row.name }) })}
      />
      {picked !== undefined && <Picked booking={picked} proposal={proposal} />}
      {asked !== undefined && (
        <ActionDialog
          action={amendAction(asked, proposal, me)}
          onClose={() => {
            setAsking(null);
            setProposal(null);
          }}
        />
      )}
      {bookings.length > 0 && (
        <BookingsTable bookings={bookings} focus={focus} picked={search.pick} onPick={(pick) => set({ pick })} />
      )}
    </>
  );
}

function looksOf(rows: readonly Row[]): { legend: readonly Bucket[]; bucketOf: (bar: Bar) => Bucket } {
  const nodes = rows.filter((row) => row.type === "node");
  const tenants = nodes.flatMap((row) => row.bars.flatMap((bar) => (bar.tenant === null ? [] : [bar.tenant])));
  const { buckets, at } = tenantBuckets(tenants);
  const owned = buckets.slice(0, -1);
  const bucketOf = (bar: Bar): Bucket =>
    bar.kind === "instance" ? (buckets[at.get(bar.tenant ?? "") ?? -1] ?? KINDS.maintenance) : KINDS[bar.kind];
  const legend =
    nodes.length === 0 ? USES.map((use) => USE_LOOKS[use]) : [...owned, KINDS.turnaround, KINDS.maintenance];
  return { legend, bucketOf };
}

function Picked({ booking, proposal }: { booking: Booking; proposal: Proposal | null }) {
  const me = usePrincipal();
  const action = amendAction(booking, proposal, me);
  return (
    <div className="picked" role="group" aria-label="Picked">
      <b>{booking.name}</b>
      <span>
        {booking.tenant ?? "maintenance"} · {countOf(booking.nodes, "node")} ·{" "}
        {formatInstant(instantOf(booking.from_s))} to{" "}
        {booking.to_s === Infinity ? "open" : formatInstant(instantOf(booking.to_s))}
      </span>
      {booking.kind === "instance" ? (
        <>
          <ActionButton
            key={`${booking.owner} ${proposal?.from_s ?? ""} ${proposal?.to_s ?? ""}`}
            action={{ ...action, verb: "Propose other terms" }}
          />
          <Link to="/reservations/$id" params={{ id: booking.owner }}>
            Open
          </Link>
        </>
      ) : (
        <Link to="/maintenance" search={{ window: booking.owner }}>
          Open
        </Link>
      )}
    </div>
  );
}

const COLUMNS: readonly Column<Booking>[] = [
  { key: "name", title: "Booking", sort: (booking) => booking.name, render: (booking) => <b>{booking.name}</b> },
  {
    key: "tenant",
    title: "Tenant",
    sort: (booking) => booking.tenant,
    render: (booking) => booking.tenant ?? "maintenance",
  },
  {
    key: "nodes",
    title: "Nodes",
    align: "end",
    sort: (booking) => booking.nodes,
    render: (booking) => formatCount(booking.nodes),
  },
  {
    key: "from",
    title: "From",
    align: "end",
    sort: (booking) => booking.from_s,
    render: (booking) => formatInstant(instantOf(booking.from_s)),
  },
  {
    key: "to",
    title: "Until",
    align: "end",
    sort: (booking) => booking.to_s,
    render: (booking) => (booking.to_s === Infinity ? "open" : formatInstant(instantOf(booking.to_s))),
  },
];

interface BookingsTableProps {
  bookings: readonly Booking[];
  focus: Focus;
  picked: string | undefined;
  onPick: (owner: string) => void;
}

function BookingsTable({ bookings, focus, picked, onPick }: BookingsTableProps) {
  const { zone, fabric, rack } = focus;
  return (
    <section aria-labelledby="bookings-title">
      <div className="section-top">
        <h2 id="bookings-title">The same as a table</h2>
        <ListTools list={{ path: "/v1/system/allocations", query: { zone, fabric, rack } }} name="allocations" />
      </div>
      <DataTable
        label="Bookings"
        columns={COLUMNS}
        rows={bookings}
        rowKey={(booking) => booking.owner}
        selected={picked}
        onRow={(booking) => onPick(booking.owner)}
      />
    </section>
  );
}
