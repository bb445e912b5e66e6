// Credit notes: what was taken back of issued invoices.
import { Link } from "@tanstack/react-router";
import type { ItemOf } from "../api/list";
import { formatMoney, micro } from "../format/money";
import { formatDate } from "../format/text";
import { ListView } from "../ui/list-view";
import type { Column } from "../ui/table";
import { TenantFilter } from "./filters";
import { useBilling } from "./shared";

type CreditNote = ItemOf<"/v1/system/credit-notes">;

const COLUMNS: readonly Column<CreditNote>[] = [
  { key: "number", title: "Number", sort: (item) => item.number, render: (item) => <b>{item.number}</b> },
  { key: "tenant", title: "Tenant", sort: (item) => item.tenant, render: (item) => item.tenant },
  {
    key: "invoice",
    title: "Of invoice",
    sort: (item) => item.invoice_number,
    render: (item) => (
      <Link to="/billing/invoices/$id" params={{ id: item.invoice }}>
        {item.invoice_number}
      </Link>
    ),
  },
  { key: "reason", title: "Reason", sort: (item) => item.reason, render: (item) => item.reason },
  {
    key: "net",
    title: "Net",
    align: "end",
    sort: (item) => micro(item.net.amount),
    render: (item) => formatMoney(item.net),
  },
  {
    key: "tax",
    title: "Tax",
    align: "end",
    sort: (item) => micro(item.tax.amount),
    render: (item) => formatMoney(item.tax),
  },
  {
    key: "total",
    title: "Total",
    align: "end",
    sort: (item) => micro(item.total.amount),
    render: (item) => <b>{formatMoney(item.total)}</b>,
  },
  {
    key: "issued",
    title: "Issued",
    align: "end",
    sort: (item) => item.issued_at,
    render: (item) => formatDate(item.issued_at),
  },
  { key: "pdf", title: "Document", render: (item) => <a href={`/v1/system/credit-notes/${item.id}/pdf`}>PDF</a> },
];

export function CreditNotes() {
  const address = useBilling();
  return (
    <ListView
      path="/v1/system/credit-notes"
      word="invoices"
      query={{ tenant: address.search.tenant }}
      noun="credit note"
      label="Credit notes"
      columns={COLUMNS}
      rowKey={(item) => item.id}
      empty="An issued invoice is credited from its own page: a line, a share of it, or all that is left."
      search={address}
      text={(item) => `${item.number} ${item.tenant} ${item.invoice_number} ${item.reason}`}
      newestFirst
      filters={<TenantFilter />}
    />
  );
}
