// Invoices of all tenants, from draft to void.
import { Link } from "@tanstack/react-router";
import type { ItemOf } from "../api/lists";
import { formatDate } from "../format/text";
import { ListView } from "../ui/list-view";
import { moneyColumn } from "../ui/money-column";
import { StateChip, type Tone } from "../ui/state-chip";
import type { Column } from "../ui/table";
import { INVOICE_STATUSES, type InvoiceStatus } from "./choices";
import { TenantFilter } from "./filters";
import { useBilling } from "./shared";

export type Invoice = ItemOf<"/v1/system/invoices">;

export const INVOICE_TONES: Readonly<Record<InvoiceStatus, Tone>> = {
  draft: "wait",
  finalized: "busy",
  issued: "good",
  void: "done",
};

const COLUMNS: readonly Column<Invoice>[] = [
  {
    key: "number",
    title: "Number",
    sort: (item) => item.number,
    render: (item) => (
      <Link to="/billing/invoices/$id" params={{ id: item.id }}>
        <b>{item.number ?? "not numbered"}</b>
      </Link>
    ),
  },
  { key: "tenant", title: "Tenant", sort: (item) => item.tenant, render: (item) => item.tenant },
  {
    key: "status",
    title: "Status",
    sort: (item) => item.status,
    render: (item) => <StateChip state={item.status} tone={INVOICE_TONES[item.status]} />,
  },
  {
    key: "period",
    title: "Period from",
    sort: (item) => item.period_start,
    render: (item) => formatDate(item.period_start),
  },
  moneyColumn("net", "Net"),
  moneyColumn("tax", "Tax"),
  moneyColumn("total", "Total", "strong"),
  moneyColumn("credited", "Credited", "rare"),
  {
    key: "issued",
    title: "Issued",
    align: "end",
    sort: (item) => item.issued_at,
    render: (item) => (item.issued_at === null ? "–" : formatDate(item.issued_at)),
  },
  {
    key: "due",
    title: "Due",
    align: "end",
    sort: (item) => item.due_at,
    render: (item) => (item.due_at === null ? "–" : formatDate(item.due_at)),
  },
];

export function Invoices() {
  const address = useBilling();
  const { tenant, status } = address.search;
  return (
    <ListView
      path="/v1/system/invoices"
      word="invoices"
      query={{ tenant, status }}
      noun="invoice"
      label="Invoices"
      columns={COLUMNS}
      rowKey={(item) => item.id}
      empty="A month is invoiced when it has ended. What it comes to so far is in the tenant’s balance."
      search={address}
      text={(item) => `${item.number ?? ""} ${item.tenant} ${item.status}`}
      newestFirst
      filters={
        <>
          <div className="filter" role="group" aria-label="Status">
            {([undefined, ...INVOICE_STATUSES] as const).map((each) => (
              <button
                key={each ?? "all"}
                type="button"
                aria-pressed={status === each}
                onClick={() => address.set({ status: each })}
              >
                {each ?? "all"}
              </button>
            ))}
          </div>
          <TenantFilter />
        </>
      }
    />
  );
}
