// What was done for the tenant, by whom, and what was refused: the audit, as far as it is the tenant's own.
import { useMemo } from "react";
import { useEndless, type ItemOf, type ListAsk } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatInstant } from "../format/text";
import { StateChip } from "../ui/state-chip";
import { Empty } from "../ui/states";
import type { Column } from "../ui/table";
import { EndlessList } from "./resource";

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
    <EndlessList
      title="Activity"
      noun="activity"
      rows={rows}
      list={list}
      columns={COLUMNS}
      timed
      empty="What is done for the tenant, and what is refused, stands here."
    />
  );
}
