// What was delivered and what it came to, by day, project, type or tier.
import { Link, useSearch } from "@tanstack/react-router";
import { useWhole, type ItemOf } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatMicro, micro } from "../format/money";
import { dayOf, formatDate, title, words } from "../format/text";
import { Heading } from "../ui/heading";
import { ListTools } from "../ui/list-tools";
import { moneyColumn } from "../ui/money-column";
import { Empty, Loaded } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import { DataTable, type Column } from "../ui/table";
import { DAYS, SUMS } from "./searches";
import { sumsOf } from "./sums";
import "./tenant.css";

type Row = ItemOf<"/v1/usage-summary">;

export function UsagePage() {
  const me = usePrincipal();
  const { by = "day", days = 30 } = useSearch({ from: "/usage" });
  const list = {
    path: "/v1/usage-summary" as const,
    query: { by, from: dayOf(me.domain_time, -days), to: dayOf(me.domain_time, 1) },
  };
  const usage = useWhole("usage", list);
  return (
    <>
      <Heading title="Usage" />
      <div className="section-top">
        <nav aria-label="Summed up by" className="filter">
          {SUMS.map((each) => (
            <Link key={each} to="/usage" search={{ by: each, days }} aria-current={each === by ? "true" : undefined}>
              by {words(each)}
            </Link>
          ))}
        </nav>
        <nav aria-label="Span" className="filter">
          {DAYS.map((each) => (
            <Link key={each} to="/usage" search={{ by, days: each }} aria-current={each === days ? "true" : undefined}>
              {each} days
            </Link>
          ))}
        </nav>
        <ListTools list={list} name={`usage-by-${by}`} />
      </div>
      <Loaded query={usage} what="usage">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing was billed in these days">Usage is summed up when a day is closed.</Empty>
          ) : (
            <Summed rows={items} by={by} />
          )
        }
      </Loaded>
    </>
  );
}

function Summed({ rows, by }: { rows: readonly Row[]; by: (typeof SUMS)[number] }) {
  const sums = sumsOf(rows);
  const most = rows.reduce(
    (so_far, row) => (micro(row.amount.amount) > so_far ? micro(row.amount.amount) : so_far),
    0n,
  );
  return (
    <>
      <Stats>
        {sums.map((sum) => (
          <Stat
            key={sum.currency}
            name="Billed, before tax"
            value={formatMicro(sum.amount, sum.currency)}
            note={`${formatMicro(sum.list - sum.amount, sum.currency)} below list prices`}
          />
        ))}
        <Stat name="GPU-hours" value={hours(rows.reduce((sum, row) => sum + micro(row.gpu_hours), 0n))} />
        <Stat
          name="Held while stopped"
          value={hours(rows.reduce((sum, row) => sum + micro(row.gpu_hours_unused), 0n))}
          note="GPU-hours paid for and not used"
        />
      </Stats>
      <DataTable
        label={`Usage by ${words(by)}`}
        columns={columnsFor(by, most)}
        rows={rows}
        rowKey={(row) => `${row.key} ${row.amount.currency}`}
      />
    </>
  );
}

/** Micro-hours, to the tenth. */
function hours(value: bigint): string {
  return (Number(value / 100_000n) / 10).toLocaleString("en-US");
}

function columnsFor(by: (typeof SUMS)[number], most: bigint): readonly Column<Row>[] {
  return [
    {
      key: "key",
      title: title(by),
      sort: (row) => row.key,
      render: (row) => (by === "day" ? formatDate(row.key) : words(row.key)),
    },
    {
      key: "hours",
      title: "GPU-hours",
      align: "end",
      sort: (row) => micro(row.gpu_hours),
      render: (row) => hours(micro(row.gpu_hours)),
    },
    {
      key: "unused",
      title: "Held while stopped",
      align: "end",
      sort: (row) => micro(row.gpu_hours_unused),
      render: (row) => hours(micro(row.gpu_hours_unused)),
    },
    moneyColumn("list", "At list prices"),
    moneyColumn("amount", "Billed"),
    { key: "share", title: "Share", render: (row) => <Bar part={micro(row.amount.amount)} most={most} /> },
  ];
}

function Bar({ part, most }: { part: bigint; most: bigint }) {
  const share = most <= 0n || part <= 0n ? 0 : Number((part * 1000n) / most) / 10;
  return (
    <svg className="usage-bar" viewBox="0 0 100 8" preserveAspectRatio="none" width="140" height="8" aria-hidden="true">
      <rect className="usage-all" width="100" height="8" />
      <rect className="usage-part" width={share} height="8" />
    </svg>
  );
}
