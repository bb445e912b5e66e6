// The database: which one, how large, how used, and how its growing tables are cut.
import { useWhole } from "../api/lists";
import type { Partition } from "../api/model";
import { formatBytes, formatCount, formatDate, formatInstant, title } from "../format/text";
import { zoneName } from "../format/zone";
import { ListTools } from "../ui/list-tools";
import { StateChip } from "../ui/state-chip";
import { Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";

/** How a fact reads; all others as they are. */
const READINGS: Readonly<Record<string, (value: string) => string>> = {
  database_bytes: (value) => formatBytes(Number(value)),
  started_at: (value) => `${formatInstant(value)} ${zoneName(value)}`,
  is_standby: (value) => (value === "true" ? "yes" : "no"),
};

const RANGE = /^FOR VALUES FROM \('([^']*)'\) TO \('([^']*)'\)$/;

/** "1 Jan 2026 to 1 Feb 2026", of what PostgreSQL says of a partition; what is no span of days as it is. */
function rangeOf(bounds: string): string {
  const [, from, to] = RANGE.exec(bounds) ?? [];
  const days = [from, to].map((text) => text?.replace(" 00:00:00+00", "") ?? "");
  return days.every((day) => /^\d{4}-\d\d-\d\d$/.test(day)) ? days.map(formatDate).join(" to ") : bounds;
}

const COLUMNS: readonly Column<Partition>[] = [
  { key: "name", title: "Partition", sort: (part) => part.name, render: (part) => <b>{part.name}</b> },
  {
    key: "kind",
    title: "Takes",
    sort: (part) => part.bounds,
    render: (part) =>
      part.is_default ? (
        <StateChip
          state={part.rows_estimated === 0 ? "the rest; empty" : "the rest; should be empty"}
          tone={part.rows_estimated === 0 ? "done" : "bad"}
        />
      ) : (
        rangeOf(part.bounds)
      ),
  },
  {
    key: "rows",
    title: "Rows, estimated",
    align: "end",
    sort: (part) => part.rows_estimated,
    render: (part) => formatCount(part.rows_estimated),
  },
  {
    key: "bytes",
    title: "Size",
    align: "end",
    sort: (part) => part.bytes,
    render: (part) => formatBytes(part.bytes),
  },
];

export function DatabaseTab() {
  const facts = useWhole("system", { path: "/v1/system/database" });
  const partitions = useWhole("system", { path: "/v1/system/partitions" });
  return (
    <>
      <section className="panel" aria-labelledby="database-title">
        <h2 id="database-title">Database</h2>
        <Loaded query={facts} what="the database">
          {({ items }) => (
            <dl className="facts facts-wide">
              {items.map((fact) => (
                <div key={fact.name}>
                  <dt>{title(fact.name)}</dt>
                  <dd>{READINGS[fact.name]?.(fact.value) ?? fact.value}</dd>
                </div>
              ))}
            </dl>
          )}
        </Loaded>
      </section>
      <section aria-labelledby="partitions-title">
        <div className="section-top">
          <h2 id="partitions-title">Partitions</h2>
          <ListTools list={{ path: "/v1/system/partitions" }} name="partitions" />
        </div>
        <Loaded query={partitions} what="partitions">
          {({ items }) => <DataTable label="Partitions" columns={COLUMNS} rows={items} rowKey={(part) => part.name} />}
        </Loaded>
      </section>
    </>
  );
}
