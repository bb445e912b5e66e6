// All reservations that the principal may see, newest first; the filters live in the address.
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useEndless, type Endless, type ListAsk } from "../api/lists";
import { isProvider, type Reservation } from "../api/model";
import { usePrincipal } from "../app/principal";
import { countOf, formatCount } from "../format/text";
import { Heading } from "../ui/heading";
import { ListTools } from "../ui/list-tools";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { columnsFor } from "./columns";
import { FilterBar } from "./filter-bar";
import { isFiltered, queryOf, type ReservationsSearch } from "./filters";
import { useLiveRows } from "./live-rows";
import "./reservations.css";

export function ReservationsPage() {
  const me = usePrincipal();
  const search = useSearch({ from: "/reservations" });
  const navigate = useNavigate({ from: "/reservations" });
  const provider = isProvider(me);
  const list = useMemo<ListAsk>(
    () => ({ path: provider ? "/v1/system/reservations" : "/v1/reservations", query: queryOf(search) }),
    [provider, search],
  );
  // Not "reservations": events patch these rows (live-rows.ts), they do not fetch all pages again.
  const rows = useEndless<Reservation>("reservation-rows", list);
  useLiveRows(list, rows);
  const columns = useMemo(() => columnsFor(provider), [provider]);
  const set = (change: Partial<ReservationsSearch>, typing = false): void =>
    void navigate({ search: (was) => ({ ...was, ...change }), replace: typing });

  return (
    <>
      <Heading title="Reservations">
        {!provider && (
          <Link to="/reserve" className="button primary">
            Reserve
          </Link>
        )}
      </Heading>
      <FilterBar search={search} set={set} provider={provider} />
      <Loaded query={rows.query} what="reservations">
        {(items) => (
          <Found
            items={items}
            rows={rows}
            columns={columns}
            filtered={isFiltered(search)}
            list={list}
            provider={provider}
          />
        )}
      </Loaded>
    </>
  );
}

interface FoundProps {
  items: readonly Reservation[];
  rows: Endless<Reservation>;
  columns: readonly Column<Reservation>[];
  filtered: boolean;
  list: ListAsk;
  provider: boolean;
}

function Nothing({ filtered, provider }: Pick<FoundProps, "filtered" | "provider">) {
  if (filtered) return <Empty title="No reservation is like this">Take a filter back to see more.</Empty>;
  return (
    <Empty title="No reservations yet">
      {provider ? (
        "Tenants make them; each appears here by itself."
      ) : (
        <>
          Make one under Reserve, or with <code>sluice reservation create</code>; it appears here by itself.
        </>
      )}
    </Empty>
  );
}

function Found({ items, rows, columns, filtered, list, provider }: FoundProps) {
  if (items.length === 0) return <Nothing filtered={filtered} provider={provider} />;
  return (
    <>
      <div className="section-top">
        <p className="fine" role="status">
          {rows.complete
            ? countOf(items.length, "reservation")
            : `The newest ${formatCount(items.length)}; older ones come as you scroll`}
        </p>
        <ListTools list={list} name="reservations" />
      </div>
      <DataTable
        label="Reservations"
        columns={columns}
        rows={items}
        rowKey={(row) => row.id}
        onEnd={rows.complete ? undefined : rows.more}
      />
    </>
  );
}
