// Who did what, and what was refused; filters in the address.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useWhole } from "../api/lists";
import type { AuditRow } from "../api/model";
import { countOf, formatCount, formatInstant, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Heading } from "../ui/heading";
import { ListTools } from "../ui/list-tools";
import { SearchBox } from "../ui/search-box";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { Chain } from "./chain";
import type { AuditSearch } from "./routes";
import { RowDetail } from "./row";
import { beginOf, SPANS } from "./spans";
import "./audit.css";

const SPAN_NAMES = { hour: "last hour", day: "last day", week: "last week", all: "all" } as const;
const RESULTS = [
  [undefined, "every result"],
  ["ok", "done"],
  ["refused", "refused"],
] as const;

const COLUMNS: readonly Column<AuditRow>[] = [
  { key: "when", title: "When", sort: (row) => row.recorded_us, render: (row) => formatInstant(row.recorded_at) },
  { key: "action", title: "What", sort: (row) => row.action, render: (row) => <b>{row.action}</b> },
  {
    key: "result",
    title: "Result",
    sort: (row) => row.result,
    render: (row) => <StateChip state={row.result} tone={row.result === "ok" ? "good" : "bad"} />,
  },
  {
    key: "principal",
    title: "Who",
    sort: (row) => row.principal_name ?? row.principal,
    render: (row) => row.principal_name ?? short(row.principal),
  },
  {
    key: "tenant",
    title: "Tenant",
    sort: (row) => row.tenant_name ?? row.tenant,
    render: (row) => row.tenant_name ?? short(row.tenant),
  },
  { key: "object", title: "Object", sort: (row) => row.object, render: (row) => short(row.object) },
  { key: "remote", title: "From", sort: (row) => row.remote, render: (row) => row.remote },
];

/** The telling end of an id: its beginning is the time. */
function short(id: string | null | undefined) {
  if (id == null) return "\u2013";
  return (
    <code title={id}>
      {id.slice(0, 4)}…{id.slice(-6)}
    </code>
  );
}

function matching(rows: readonly AuditRow[], find: string | undefined): AuditRow[] {
  const wanted = (find ?? "").toLowerCase();
  const found = rows.filter((row) =>
    [
      row.action,
      row.object,
      row.principal,
      row.principal_name,
      row.tenant,
      row.tenant_name,
      row.remote,
      row.request_id,
      row.result,
    ]
      .join(" ")
      .toLowerCase()
      .includes(wanted),
  );
  return found.reverse(); // the newest first
}

export function AuditPage() {
  const search = useSearch({ from: "/audit" });
  const navigate = useNavigate({ from: "/audit" });
  const span = search.span ?? "day";
  // The list keeps its address while one looks at it.
  const from = useMemo(() => beginOf(span, Date.now()), [span]);
  const { tenant, result, object, principal } = search;
  const list = { path: "/v1/system/audit", query: { from, tenant, result, object, principal } } as const;
  const rows = useWhole("audit", list);
  const set = (change: AuditSearch): void =>
    void navigate({ search: (was: AuditSearch) => ({ ...was, ...change }), replace: true, resetScroll: false });

  return (
    <>
      <Heading title="Audit" />
      <Chain />
      <div className="section-top">
        <div className="filter" role="group" aria-label="Time">
          {SPANS.map((each) => (
            <button key={each} type="button" aria-pressed={span === each} onClick={() => set({ span: each })}>
              {SPAN_NAMES[each]}
            </button>
          ))}
        </div>
        <div className="filter" role="group" aria-label="Result">
          {RESULTS.map(([value, name]) => (
            <button key={name} type="button" aria-pressed={result === value} onClick={() => set({ result: value })}>
              {name}
            </button>
          ))}
        </div>
        <SearchBox
          label="Search the audit"
          value={search.find ?? ""}
          onChange={(text) => set({ find: text === "" ? undefined : text })}
        />
        <ListTools list={list} name="audit" />
      </div>
      <Narrowed search={search} onClear={() => set({ tenant: undefined, object: undefined, principal: undefined })} />
      <Loaded query={rows} what="the audit">
        {({ items, capped }) => (
          <Found
            rows={matching(items, search.find)}
            all={items.length}
            capped={capped}
            selected={search.row}
            onRow={(row) => set({ row })}
          />
        )}
      </Loaded>
    </>
  );
}

function Narrowed({ search, onClear }: { search: AuditSearch; onClear: () => void }) {
  const parts = (["tenant", "object", "principal"] as const).filter((name) => search[name] !== undefined);
  if (parts.length === 0) return null;
  return (
    <p className="notice">
      Only {parts.map((name) => `${words(name)} ${search[name]}`).join(", ")}.{" "}
      <button type="button" className="link" onClick={onClear}>
        Show all
      </button>
    </p>
  );
}

interface FoundProps {
  rows: AuditRow[];
  all: number;
  capped: boolean;
  selected: string | undefined;
  onRow: (row: string | undefined) => void;
}

function Found({ rows, all, capped, selected, onRow }: FoundProps) {
  const row = rows.find((each) => each.id === selected);
  if (rows.length === 0) {
    return <Empty title={all === 0 ? "Nothing was recorded in this time" : "No row matches the search"} />;
  }
  return (
    <>
      <p className="fine" role="status">
        {rows.length === all ? countOf(all, "row") : `${formatCount(rows.length)} of ${countOf(all, "row")}`}, times in{" "}
        {zoneName()}
        {capped && `; only the first ${formatCount(all)} of this time were fetched: narrow it`}
      </p>
      <div className={row === undefined ? "beside" : "beside beside-open"}>
        <DataTable
          label="Audit"
          columns={COLUMNS}
          rows={rows}
          rowKey={(each) => each.id}
          selected={selected}
          onRow={(each) => onRow(each.id)}
        />
        {row !== undefined && <RowDetail row={row} onClose={() => onRow(undefined)} />}
      </div>
    </>
  );
}
