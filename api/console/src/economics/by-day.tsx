// Revenue against what the fleet costs, by day; the pools of the cost; and idle, by cause.
import { useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useObject, useWhole, type ObjectOf } from "../api/lists";
import { ColumnChart, type ColumnData } from "../charts/columns";
import { Meter } from "../charts/meter";
import { fraction } from "../charts/scale";
import { formatMicro, formatMoney, formatShare, formatShort, micro } from "../format/money";
import { formatCount, formatDate, title } from "../format/text";
import { Empty, Loaded } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import { TableBox } from "../ui/table-box";
import { RangeChoice, useRange, type Range } from "./range";
import { daysOf, idleStacks, POOLS, poolsIn, type Day } from "./series";

type Margin = ObjectOf<"/v1/system/margin">;

const HOUR_S = 3600;
/** Beyond this the idle chart goes by week: a day would be a hair's breadth. */
const BY_DAY_MOST = 90;

export function ByDay() {
  const range = useRange();
  const { currency } = useSearch({ from: "/economics" });
  const margin = useObject(
    "margin",
    { path: "/v1/system/margin", query: { by: "day", from: range.from, to: range.to, currency } },
    { filters: ["from", "to", "currency"] },
  );
  return (
    <>
      <div className="section-top">
        <RangeChoice range={range} fresh={margin.data} />
      </div>
      <Loaded query={margin} what="revenue and cost">
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="Nothing in this range">
              Revenue and cost of a day appear here within a minute of being metered.
            </Empty>
          ) : (
            <Days margin={data} range={range} />
          )
        }
      </Loaded>
    </>
  );
}

function Days({ margin, range }: { margin: Margin; range: Range }) {
  const currency = margin.totals.revenue.currency;
  const days = useMemo(() => daysOf(margin.items), [margin.items]);
  return (
    <>
      <Totals margin={margin} currency={currency} />
      <Revenue days={days} currency={currency} />
      <Cost days={days} currency={currency} />
      <Idle margin={margin} range={range} />
    </>
  );
}

function Totals({ margin, currency }: { margin: Margin; currency: string }) {
  const { revenue, cost, margin: earned, idle } = margin.totals;
  return (
    <Stats>
      <Stat name="Revenue" value={formatShort(micro(revenue.amount), currency)} note={formatMoney(revenue)} />
      <Stat name="Cost" value={formatShort(micro(cost.amount), currency)} note={formatMoney(cost)} />
      <Stat
        name="Margin"
        value={formatShort(micro(earned.amount), currency)}
        note={`${formatShare(micro(earned.amount), micro(revenue.amount))} of revenue`}
        alarming={micro(earned.amount) < 0n}
      />
      <Stat
        name="Idle"
        value={formatShort(micro(idle.amount), currency)}
        note={`${formatShare(micro(idle.amount), micro(cost.amount))} of cost`}
      />
    </Stats>
  );
}

function column(day: Day, parts: bigint[]): ColumnData {
  const name = `${formatDate(day.day)}${day.provisional ? " (so far)" : ""}`;
  return { key: day.day, short: formatDate(day.day).replace(/ \d+$/, ""), name, parts };
}

function Revenue({ days, currency }: { days: readonly Day[]; currency: string }) {
  const columns = days.map((day) => ({
    ...column(day, [day.revenue]),
    line: day.cost,
    alarming: day.revenue < day.cost,
  }));
  return (
    <section className="panel" aria-labelledby="revenue-title">
      <h2 id="revenue-title">Revenue against cost by day</h2>
      <ColumnChart
        label="Revenue and cost"
        columns={columns}
        series={["Revenue"]}
        currency={currency}
        line="Cost"
        alarm="below cost"
        note={({ parts, line = 0n }) => `margin ${formatMicro((parts[0] ?? 0n) - line, currency)}`}
      />
      <details>
        <summary>The same as a table</summary>
        <DayTable days={days} currency={currency} />
      </details>
    </section>
  );
}

function DayTable({ days, currency }: { days: readonly Day[]; currency: string }) {
  const pools = poolsIn(days);
  return (
    <TableBox label="Revenue against cost by day">
      <thead>
        <tr>
          <th scope="col">Day</th>
          {["Revenue", ...pools.map(title), "Cost", "Margin"].map((name) => (
            <th key={name} scope="col" className="end">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {days.map((day) => (
          <tr key={day.day}>
            <th scope="row">
              {formatDate(day.day)}
              {day.provisional && " (so far)"}
            </th>
            <td className="end">{formatMicro(day.revenue, currency)}</td>
            {pools.map((pool) => (
              <td key={pool} className="end">
                {formatMicro(day.pools[POOLS.indexOf(pool)] ?? 0n, currency)}
              </td>
            ))}
            <td className="end">{formatMicro(day.cost, currency)}</td>
            <td className={day.revenue < day.cost ? "end loss" : "end"}>
              {formatMicro(day.revenue - day.cost, currency)}
            </td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}

function Cost({ days, currency }: { days: readonly Day[]; currency: string }) {
  const pools = poolsIn(days);
  if (pools.length === 1) {
    return (
      <p className="fine">
        All cost is amortization: no rate for power, space or operations is set (<code>/v1/system/cost-rates</code>).
      </p>
    );
  }
  const columns = days.map((day) =>
    column(
      day,
      pools.map((pool) => day.pools[POOLS.indexOf(pool)] ?? 0n),
    ),
  );
  return (
    <section className="panel" aria-labelledby="cost-title">
      <h2 id="cost-title">What the fleet costs, by pool</h2>
      <ColumnChart label="Cost by pool" columns={columns} series={pools.map(title)} currency={currency} />
    </section>
  );
}

function Idle({ margin, range }: { margin: Margin; range: Range }) {
  const { currency } = useSearch({ from: "/economics" });
  const step = range.days > BY_DAY_MOST ? "week" : "day";
  const idle = useWhole(
    "margin",
    { path: "/v1/system/idle", query: { step, from: range.from, to: range.to, currency } },
    { filters: ["step", "from", "to", "currency"] },
  );
  return (
    <section className="panel" aria-labelledby="idle-title">
      <h2 id="idle-title">Idle, by cause</h2>
      {margin.idle.length === 0 ? (
        <Empty title="Nothing was idle" />
      ) : (
        <>
          <Loaded query={idle} what="idle cost by cause">
            {({ items }) => <IdleChart items={items} step={step} />}
          </Loaded>
          <IdleTable margin={margin} />
        </>
      )}
    </section>
  );
}

function IdleChart({ items, step }: { items: Parameters<typeof idleStacks>[0]; step: string }) {
  const { causes, stacks } = useMemo(() => idleStacks(items), [items]);
  const columns = stacks.map(({ start, parts }) => ({
    key: start,
    short: formatDate(start).replace(/ \d+$/, ""),
    name: step === "day" ? formatDate(start) : `Week of ${formatDate(start)}`,
    parts,
  }));
  const currency = items[0]?.amount.currency ?? "USD";
  const sum = (parts: readonly bigint[]): bigint => parts.reduce((a, b) => a + b, 0n);
  return (
    <ColumnChart
      label={`Idle cost by ${step} and cause`}
      columns={columns}
      series={causes.map(title)}
      currency={currency}
      note={({ parts }) => `idle ${formatMicro(sum(parts), currency)}`}
    />
  );
}

function IdleTable({ margin }: { margin: Margin }) {
  const causes = margin.idle
    .map((idle) => ({ ...idle, value: micro(idle.amount.amount) }))
    .sort((a, b) => (a.value > b.value ? -1 : a.value < b.value ? 1 : 0));
  const most = causes[0]?.value ?? 0n;
  return (
    <TableBox label="Idle by cause">
      <thead>
        <tr>
          <th scope="col">Cause</th>
          <th scope="col" className="wide">
            <span className="hidden">Share</span>
          </th>
          <th scope="col" className="end">
            GPU-hours
          </th>
          <th scope="col" className="end">
            Cost
          </th>
        </tr>
      </thead>
      <tbody>
        {causes.map((idle) => (
          <tr key={idle.cause}>
            <th scope="row">{title(idle.cause)}</th>
            <td className="wide">
              <Meter share={fraction(idle.value, most)} quiet />
            </td>
            <td className="end">{formatCount(Math.round(idle.gpu_seconds / HOUR_S))}</td>
            <td className="end">{formatMoney(idle.amount)}</td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}
