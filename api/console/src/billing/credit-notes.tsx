// Credit notes: what was taken back of issued invoices.
import { Link } from "@tanstack/react-router";
import type { ItemOf } from "../api/lists";
import { formatDate } from "../format/text";
import { ListView } from "../ui/list-view";
import { moneyColumn } from "../ui/money-column";
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
  moneyColumn("net", "Net"),
  moneyColumn("tax", "Tax"),
  moneyColumn("total", "Total", "strong"),
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
