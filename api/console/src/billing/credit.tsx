// Payments and grants, of all tenants or of one.
import { Link } from "@tanstack/react-router";
import type { ItemOf } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatMoney } from "../format/money";
import { formatInstant, words } from "../format/text";
import { ListView } from "../ui/list-view";
import { moneyColumn } from "../ui/money-column";
import { StateChip, type Tone } from "../ui/state-chip";
import type { Column } from "../ui/table";
import { grantAction, paymentAction } from "./credit-actions";
import { TenantFilter } from "./filters";
import { refusalFor, useBilling } from "./shared";

type Payment = ItemOf<"/v1/system/payments">;
type Grant = ItemOf<"/v1/system/credit-grants">;

const PAYMENT_TONES: Readonly<Record<Payment["state"], Tone>> = { requested: "wait", posted: "good", refused: "bad" };
const GRANT_TONES: Readonly<Record<Grant["state"], Tone>> = {
  requested: "wait",
  active: "good",
  used_up: "done",
  expired: "warn",
};

const PAYMENT_COLUMNS: readonly Column<Payment>[] = [
  { key: "tenant", title: "Tenant", sort: (item) => item.tenant, render: (item) => <b>{item.tenant}</b> },
  { key: "kind", title: "Kind", sort: (item) => item.kind, render: (item) => words(item.kind) },
  moneyColumn("amount", "Amount"),
  {
    key: "state",
    title: "State",
    sort: (item) => item.state,
    render: (item) => <StateChip state={item.state} tone={PAYMENT_TONES[item.state]} />,
  },
  {
    key: "settled",
    title: "Settled",
    render: (item) =>
      item.settlements.map((settlement) => (
        <Link
          key={settlement.invoice}
          className="spaced"
          to="/billing/invoices/$id"
          params={{ id: settlement.invoice }}
        >
          {formatMoney(settlement.amount)}
        </Link>
      )),
  },
  moneyColumn("credited", "Left over"),
  {
    key: "reference",
    title: "Reference",
    sort: (item) => item.reference,
    render: (item) => item.reason ?? item.reference,
  },
  {
    key: "at",
    title: "Entered",
    align: "end",
    sort: (item) => item.created_at,
    render: (item) => formatInstant(item.created_at),
  },
];

const GRANT_COLUMNS: readonly Column<Grant>[] = [
  { key: "tenant", title: "Tenant", sort: (item) => item.tenant, render: (item) => <b>{item.tenant}</b> },
  { key: "kind", title: "Kind", sort: (item) => item.kind, render: (item) => item.kind },
  {
    key: "state",
    title: "State",
    sort: (item) => item.state,
    render: (item) => <StateChip state={item.state} tone={GRANT_TONES[item.state]} />,
  },
  moneyColumn("amount", "Granted"),
  moneyColumn("remaining", "Left", "strong"),
  moneyColumn("expired", "Expired"),
  {
    key: "expires",
    title: "Expires",
    align: "end",
    sort: (item) => item.expires_at,
    render: (item) => (item.expires_at === null ? "never" : formatInstant(item.expires_at)),
  },
  { key: "note", title: "Note", sort: (item) => item.note, render: (item) => item.note },
];

export function Payments() {
  const address = useBilling();
  const { tenant } = address.search;
  return (
    <ListView
      path="/v1/system/payments"
      word="credit"
      query={{ tenant }}
      noun="payment"
      label="Payments"
      columns={PAYMENT_COLUMNS}
      rowKey={(item) => item.id}
      empty="A payment is entered when it has been received; it settles what is due first."
      search={address}
      text={(item) => `${item.tenant} ${item.reference} ${item.state}`}
      newestFirst
      filters={<TenantFilter />}
      create={paymentAction(refusalFor(usePrincipal()), tenant)}
    />
  );
}

export function Grants() {
  const address = useBilling();
  const { tenant } = address.search;
  return (
    <ListView
      path="/v1/system/credit-grants"
      word="credit"
      query={{ tenant }}
      noun="grant"
      label="Credit grants"
      columns={GRANT_COLUMNS}
      rowKey={(item) => item.id}
      empty="Prepaid or promotional credit of a tenant, drawn down before anything is owed."
      search={address}
      text={(item) => `${item.tenant} ${item.kind} ${item.note}`}
      newestFirst
      filters={<TenantFilter />}
      create={grantAction(refusalFor(usePrincipal()), tenant)}
    />
  );
}
