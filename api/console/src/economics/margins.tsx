// Margin by whatever one asks: a row for each key, and for each step where one is chosen.
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import { saveAs } from "../api/csv";
import { useObject, type ObjectOf } from "../api/lists";
import { toCsv } from "../format/csv";
import { formatShare, micro } from "../format/money";
import { countOf, formatCount, formatDate, title, words } from "../format/text";
import { CopyAs } from "../ui/copy-as";
import { moneyColumn } from "../ui/money-column";
import { ScenarioChoice } from "../ui/scenario";
import { SearchBox } from "../ui/search-box";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { BY, STEPS, type By, type Step } from "./choices";
import { RangeChoice, useRange } from "./range";
import { POOLS } from "./series";

type Margin = ObjectOf<"/v1/system/margin">;
type Item = Margin["items"][number];

const HOUR_S = 3600;
const WHOLE = "whole range";

export function Margins() {
  const range = useRange();
  const search = useSearch({ from: "/economics" });
  const { by = "tenant", step, currency } = search;
  const navigate = useNavigate({ from: "/economics" });
  const query = { by, step, from: range.from, to: range.to, currency };
  const margin = useObject(
    "margin",
    { path: "/v1/system/margin", query },
    { filters: ["step", "from", "to", "currency"] },
  );
  const change = (next: Partial<typeof search>): void => void navigate({ search: (was) => ({ ...was, ...next }) });
  return (
    <>
      <div className="section-top">
        <RangeChoice range={range} fresh={margin.data} />
      </div>
      <div className="scenario">
        <ScenarioChoice
          label="By"
          value={by}
          options={BY.map((value) => ({ value, label: words(value) }))}
          onChange={(value) => change({ by: value as By, find: undefined })}
        />
        <ScenarioChoice
          label="Step"
          value={step ?? ""}
          options={[{ value: "", label: WHOLE }, ...STEPS.map((value) => ({ value, label: `by ${value}` }))]}
          onChange={(value) => change({ step: value === "" ? undefined : (value as Step) })}
        />
      </div>
      <Loaded query={margin} what="margins">
        {({ items }) => <MarginTable items={items} by={by} query={query} />}
      </Loaded>
    </>
  );
}

/** What people call an item. */
function textOf(item: Item, by: By): string {
  if (item.key !== null) return item.name ?? item.key;
  return by === "reservation" ? "no reservation (fees)" : "no node (fees, and what none delivered)";
}

/** Where those lead that have a page. */
function linkOf(item: Item, by: By): ReactNode {
  const text = textOf(item, by);
  if (item.key === null) return text;
  if (by === "reservation") return <Link to="/reservations/$id" params={{ id: item.key }} children={text} />;
  if (by === "node") return <Link to="/fleet/nodes/$id" params={{ id: item.key }} children={text} />;
  if (by === "cohort") return <Link to="/assets" search={{ section: "assets", cohort: item.key }} children={text} />;
  return text;
}

function columnsFor(by: By, hasStep: boolean, pools: readonly (typeof POOLS)[number][]): Column<Item>[] {
  const bearsIdle = by === "node" || by === "rack" || by === "cohort";
  return [
    { key: "key", title: title(by), sort: (item) => textOf(item, by), render: (item) => <b>{linkOf(item, by)}</b> },
    ...(hasStep
      ? [
          {
            key: "step",
            title: "From",
            sort: (item: Item) => item.period_start,
            render: (item: Item) => (item.period_start === null ? "–" : formatDate(item.period_start)),
          },
        ]
      : []),
    {
      key: "hours",
      title: "GPU-hours billed",
      align: "end",
      sort: (item) => item.gpu_seconds_billed,
      render: (item) => formatCount(Math.round(item.gpu_seconds_billed / HOUR_S)),
    },
    moneyColumn("revenue", "Revenue"),
    ...pools.map((pool) => moneyColumn<Item>(pool, title(pool))),
    ...(bearsIdle ? [moneyColumn<Item>("idle", "Of it idle")] : []),
    moneyColumn("margin", "Margin", "signed"),
    {
      key: "share",
      title: "Of revenue",
      align: "end",
      sort: (item) => {
        const revenue = micro(item.revenue.amount);
        return revenue === 0n ? null : (micro(item.margin.amount) * 1_000_000n) / revenue;
      },
      render: (item) => formatShare(micro(item.margin.amount), micro(item.revenue.amount)),
    },
  ];
}

interface MarginTableProps {
  items: readonly Item[];
  by: By;
  query: Record<string, string | undefined>;
}

function MarginTable({ items, by, query }: MarginTableProps) {
  const { find = "", sort } = useSearch({ from: "/economics" });
  const navigate = useNavigate({ from: "/economics" });
  // What is on screen may still be of the step before.
  const hasStep = items.some((item) => item.period_start !== null);
  const pools = useMemo(() => POOLS.filter((pool) => items.some((item) => micro(item[pool].amount) !== 0n)), [items]);
  const columns = useMemo(() => columnsFor(by, hasStep, pools), [by, hasStep, pools]);
  const rows = useMemo(
    () => items.filter((item) => `${item.key} ${textOf(item, by)}`.toLowerCase().includes(find.toLowerCase())),
    [items, find, by],
  );
  return (
    <section aria-label={`Margin by ${words(by)}`}>
      <div className="section-top">
        <span className="fine" role="status">
          {countOf(rows.length, "row")}
        </span>
        <SearchBox
          label={`Find ${words(by)}`}
          value={find}
          onChange={(text) => void navigate({ search: (was) => ({ ...was, find: text || undefined }), replace: true })}
        />
        <span className="list-tools">
          <button
            type="button"
            className="quiet small"
            onClick={() => saveAs(`margin-by-${by}.csv`, "text/csv", csvOf(rows))}
          >
            CSV
          </button>
          <button type="button" className="quiet small" onClick={() => window.print()}>
            Print
          </button>
          <CopyAs ask={{ method: "GET", path: "/v1/system/margin", query }} />
        </span>
      </div>
      {rows.length === 0 ? (
        <Empty title="Nothing was sold or charged in this range" />
      ) : (
        <DataTable
          label={`Margin by ${words(by)}`}
          columns={columns}
          rows={rows}
          rowKey={(item) => `${item.period_start ?? ""} ${item.key ?? ""}`}
          sort={sort}
          onSort={(next) => void navigate({ search: (was) => ({ ...was, sort: next }), replace: true })}
        />
      )}
    </section>
  );
}

const CSV_MONEY = ["revenue", ...POOLS, "cost", "idle", "margin"] as const;

function csvOf(items: readonly Item[]): string {
  const head = ["key", "name", "period_start", "gpu_seconds_billed", ...CSV_MONEY, "currency"];
  return toCsv([
    head,
    ...items.map((item) => [
      item.key ?? "",
      item.name ?? "",
      item.period_start ?? "",
      String(item.gpu_seconds_billed),
      ...CSV_MONEY.map((key) => item[key].amount),
      item.revenue.currency,
    ]),
  ]);
}
