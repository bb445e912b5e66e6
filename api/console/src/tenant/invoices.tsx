// Invoices, and what the month comes to so far.
import { Link } from "@tanstack/react-router";
import { useObject, useWhole, type ItemOf } from "../api/lists";
import { formatMoney } from "../format/money";
import { formatDate, formatInstant, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Heading } from "../ui/heading";
import { moneyColumn } from "../ui/money-column";
import { StateChip, type Tone } from "../ui/state-chip";
import { Loaded } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import type { Column } from "../ui/table";
import { ResourceList } from "./resource";
import "./tenant.css";

type Invoice = ItemOf<"/v1/invoices">;

const LIST = { path: "/v1/invoices" } as const;
const TONES: Readonly<Record<string, Tone>> = {
  draft: "wait",
  finalized: "busy",
  issued: "busy",
  paid: "good",
  void: "done",
};

const COLUMNS: readonly Column<Invoice>[] = [
  {
    key: "number",
    title: "Invoice",
    sort: (row) => row.number ?? row.id,
    render: (row) => (
      <Link to="/invoices/$id" params={{ id: row.id }}>
        {row.number ?? "not issued yet"}
      </Link>
    ),
  },
  { key: "period", title: "Month", sort: (row) => row.period_start, render: (row) => monthOf(row.period_start) },
  { key: "state", title: "State", sort: (row) => row.status, render: (row) => <InvoiceState invoice={row} /> },
  moneyColumn("net", "Net"),
  moneyColumn("tax", "Tax"),
  moneyColumn("total", "Total"),
  {
    key: "pdf",
    title: "Document",
    render: (row) => (
      <a href={`/v1/invoices/${row.id}/pdf`} download>
        PDF
      </a>
    ),
  },
];

export function InvoiceState({ invoice }: { invoice: Pick<Invoice, "status"> }) {
  return <StateChip state={invoice.status} tone={TONES[invoice.status] ?? "done"} />;
}

/** "January 2026": of the middle of the period, which is in the month in any time zone. */
export function monthOf(period_start: string): string {
  const middle = new Date(Date.parse(period_start) + 14 * 86_400_000);
  return new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" }).format(middle);
}

export function InvoicesPage() {
  const invoices = useWhole("invoices", LIST);
  return (
    <>
      <Heading title="Invoices" />
      <SoFar />
      <ResourceList
        title="Invoices"
        noun="invoices"
        query={invoices}
        list={LIST}
        columns={COLUMNS}
        rowKey={(row) => row.id}
        empty="The first comes when your first month is closed."
      />
    </>
  );
}

function SoFar() {
  const preview = useObject("invoices", { path: "/v1/invoice-preview" });
  return (
    <Loaded query={preview} what="this month">
      {(data) => (
        <section aria-label="This month so far">
          <Stats>
            <Stat
              name={`${monthOf(data.period_start)} so far`}
              value={formatMoney(data.net)}
              note={
                data.rated_until === null
                  ? "no day is closed yet"
                  : `what was delivered until ${formatInstant(data.rated_until)} ${zoneName(data.rated_until)}`
              }
            />
            <Stat name="Tax" value={formatMoney(data.tax)} note={words(data.tax_code)} />
            <Stat name="Total" value={formatMoney(data.total)} note={`closes on ${formatDate(data.period_end)}`} />
          </Stats>
        </section>
      )}
    </Loaded>
  );
}
