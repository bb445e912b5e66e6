// What the books say: trial balance, balance sheet, income statement, month beside month.
import { useMemo } from "react";
import { useWhole, type ItemOf } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatMicro, micro } from "../format/money";
import { dayOf, words } from "../format/text";
import { ListTools } from "../ui/list-tools";
import { Empty, Loaded } from "../ui/states";
import { TableBox } from "../ui/table-box";
import { STATEMENTS, type Statement } from "./choices";
import { monthName } from "./closes";
import { pivot, type Pivot, type StatementItem } from "./pivot";
import { useBilling } from "./shared";

const NAMES: Readonly<Record<Statement, string>> = {
  "trial-balance": "Trial balance",
  "balance-sheet": "Balance sheet",
  "income-statement": "Income statement",
};
const MONTHS_SHOWN = 6;

/** The first day of the month so many months before that of `day`. */
export function monthBefore(day: string, months: number): string {
  const date = new Date(`${day.slice(0, 7)}-01T00:00:00Z`);
  date.setUTCMonth(date.getUTCMonth() - months);
  return dayOf(date.toISOString());
}

export function Statements() {
  const me = usePrincipal();
  const address = useBilling();
  const { statement = "income-statement" } = address.search;
  const from = monthBefore(me.domain_time, MONTHS_SHOWN - 1);
  const query = { from, to: monthBefore(me.domain_time, -1) };
  const path = `/v1/system/statements/${statement}` as const;
  return (
    <>
      <div className="section-top">
        <div className="filter" role="group" aria-label="Statement">
          {STATEMENTS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === statement}
              onClick={() => address.set({ statement: each })}
            >
              {NAMES[each]}
            </button>
          ))}
        </div>
        <span className="push">
          <ListTools list={{ path, query }} name={statement} />
        </span>
      </div>
      {statement === "trial-balance" ? (
        <TrialBalance query={query} />
      ) : (
        <Lines path={path} query={query} name={NAMES[statement]} />
      )}
    </>
  );
}

type Query = Readonly<Record<string, string>>;

interface LinesProps {
  path: `/v1/system/statements/${Statement}`;
  query: Query;
  name: string;
}

function Lines({ path, query, name }: LinesProps) {
  const list = useWhole("ledger", { path, query }, { filters: Object.keys(query) });
  return (
    <Loaded query={list} what="the statement">
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="Nothing is posted yet">The first closed day writes the first lines.</Empty>
        ) : (
          <Pivots items={items as StatementItem[]} name={name} />
        )
      }
    </Loaded>
  );
}

function Pivots({ items, name }: { items: readonly StatementItem[]; name: string }) {
  const tables = useMemo(() => pivot(items), [items]);
  return tables.map((table) => <PivotTable key={table.currency} table={table} name={name} />);
}

/** Totals and results stand out: the API names them so. */
function isSum(row: { section: string; line: string }): boolean {
  return /total|result|net/.test(`${row.section} ${row.line}`);
}

function PivotTable({ table, name }: { table: Pivot; name: string }) {
  return (
    <TableBox label={`${name} in ${table.currency}`}>
      <thead>
        <tr>
          <th scope="col">Line ({table.currency})</th>
          {table.months.map((month) => (
            <th key={month} scope="col" className="end">
              {monthName(month)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map((row, index) => (
          <tr key={`${row.section} ${row.line}`} className={isSum(row) ? "sum" : undefined}>
            <th scope="row">
              {row.section !== table.rows[index - 1]?.section && (
                <small className="section-name">{words(row.section)}</small>
              )}
              {words(row.line)}
            </th>
            {row.amounts.map((amount, at) => (
              <td key={table.months[at]} className={amount?.startsWith("-") ? "end loss" : "end"}>
                {amount === undefined ? "–" : formatMicro(micro(amount), table.currency)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}

type Balance = ItemOf<"/v1/system/statements/trial-balance">;

function TrialBalance({ query }: { query: Query }) {
  const list = useWhole(
    "ledger",
    { path: "/v1/system/statements/trial-balance", query },
    { filters: Object.keys(query) },
  );
  return (
    <Loaded query={list} what="the trial balance">
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="Nothing is posted yet">The first closed day writes the first lines.</Empty>
        ) : (
          <Accounts items={items} />
        )
      }
    </Loaded>
  );
}

function Accounts({ items }: { items: readonly Balance[] }) {
  const months = [...new Set(items.map((item) => item.month))].sort().reverse();
  return months.map((month) => (
    <TableBox key={month} label={`Trial balance of ${monthName(month)}`}>
      <thead>
        <tr>
          <th scope="col">{monthName(month)}</th>
          <th scope="col">Kind</th>
          {["Opening", "Debit", "Credit", "Closing"].map((title) => (
            <th key={title} scope="col" className="end">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items
          .filter((item) => item.month === month)
          .map((item) => (
            <tr key={`${item.account} ${item.currency}`}>
              <th scope="row">{words(item.account)}</th>
              <td>{item.kind}</td>
              {[item.opening, item.debit, item.credit, item.closing].map((amount, index) => (
                <td key={index} className="end">
                  {formatMicro(micro(amount), item.currency)}
                </td>
              ))}
            </tr>
          ))}
      </tbody>
    </TableBox>
  ));
}
