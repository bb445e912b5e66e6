// What was done for the tenant, by whom, and what was refused: the audit, as far as it is the tenant's own.
import { useMemo } from "react";
import { useEndless, type ItemOf, type ListAsk } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatInstant } from "../format/text";
import { ListTools } from "../ui/list-tools";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";

type Row = ItemOf<"/v1/audit">;

const COLUMNS: readonly Column<Row>[] = [
  { key: "at", title: "When", render: (row) => formatInstant(row.recorded_at) },
  { key: "who", title: "Who", render: (row) => row.principal_name ?? row.principal ?? "nobody known" },
  { key: "what", title: "What", render: (row) => <code>{row.action}</code> },
  { key: "object", title: "On", render: (row) => (row.object === null ? "\u2013" : <code>{row.object}</code>) },
  {
    key: "result",
    title: "Result",
    render: (row) => <StateChip state={row.result} tone={row.result === "ok" ? "good" : "bad"} />,
  },
  { key: "from", title: "From", render: (row) => row.remote },
];

export function Activity() {
  const me = usePrincipal();
  return me.role === "admin" ? (
    <Rows />
  ) : (
    <Empty title="What was done is shown to admins">Your role is {me.role}.</Empty>
  );
}

function Rows() {
  const list = useMemo<ListAsk>(() => ({ path: "/v1/audit" }), []);
  const rows = useEndless<Row>("audit", list);
  return (
    <section className="panel" aria-labelledby="activity-title">
      <div className="section-top">
        <h2 id="activity-title">Activity</h2>
        <span className="section-end">
          <ListTools list={list} name="activity" />
        </span>
      </div>
      <Loaded query={rows.query} what="activity">
        {(items) =>
          items.length === 0 ? (
            <Empty title="Nothing was done yet" />
          ) : (
            <DataTable
              label="Activity"
              columns={COLUMNS}
              rows={items}
              rowKey={(row) => row.id}
              onEnd={rows.complete ? undefined : rows.more}
            />
          )
        }
      </Loaded>
    </section>
  );
}
