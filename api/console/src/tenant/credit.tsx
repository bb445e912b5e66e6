// Money beside invoices: how one stands, prepaid credit, payments, commitments, quotas, prices and rules.
import { useWhole, type ItemOf } from "../api/lists";
import { formatMoney } from "../format/money";
import { countOf, formatCount, formatDate, formatInstant, words } from "../format/text";
import { zoneName } from "../format/zone";
import { quotaText } from "../reserve/limits";
import { Heading } from "../ui/heading";
import { moneyColumn } from "../ui/money-column";
import { StateChip, type Tone } from "../ui/state-chip";
import { Loaded } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import type { Column } from "../ui/table";
import { usePrincipal } from "../app/principal";
import { stepsSentence } from "../billing/steps";
import { ResourceList } from "./resource";
import "./tenant.css";

type Grant = ItemOf<"/v1/credit-grants">;
type Payment = ItemOf<"/v1/payments">;
type Commitment = ItemOf<"/v1/commitments">;
type Quota = ItemOf<"/v1/quotas">;
type Policy = ItemOf<"/v1/charge-policies">;

const TONES: Readonly<Record<string, Tone>> = {
  requested: "wait",
  pending: "wait",
  active: "good",
  posted: "good",
  refused: "bad",
};

function chip(state: string) {
  return <StateChip state={state} tone={TONES[state] ?? "done"} />;
}

const GRANTS: readonly Column<Grant>[] = [
  { key: "kind", title: "Kind", sort: (row) => row.kind, render: (row) => row.kind },
  { key: "state", title: "State", sort: (row) => row.state, render: (row) => chip(row.state) },
  { key: "note", title: "Note", render: (row) => row.note },
  { key: "expires", title: "Expires", sort: (row) => row.expires_at, render: (row) => formatInstant(row.expires_at) },
  moneyColumn("amount", "Granted"),
  moneyColumn("remaining", "Left"),
];

const PAYMENTS: readonly Column<Payment>[] = [
  { key: "at", title: "When", sort: (row) => row.created_at, render: (row) => formatInstant(row.created_at) },
  { key: "kind", title: "Kind", sort: (row) => row.kind, render: (row) => row.kind },
  { key: "state", title: "State", sort: (row) => row.state, render: (row) => chip(row.state) },
  { key: "reference", title: "Reference", render: (row) => row.reference },
  {
    key: "settled",
    title: "Settled",
    align: "end",
    sort: (row) => row.settlements.length,
    render: (row) => countOf(row.settlements.length, "invoice"),
  },
  moneyColumn("amount", "Amount"),
];

const COMMITMENTS: readonly Column<Commitment>[] = [
  { key: "what", title: "Committed to", render: committed },
  { key: "status", title: "State", sort: (row) => row.status, render: (row) => chip(row.status) },
  { key: "from", title: "From", sort: (row) => row.first_month, render: (row) => formatDate(row.first_month) },
  { key: "months", title: "Months", align: "end", sort: (row) => row.months, render: (row) => row.months },
  { key: "payment", title: "Paid", render: (row) => words(row.payment_model) },
  {
    key: "total",
    title: "Of the whole term",
    align: "end",
    render: (row) => (row.total == null ? "\u2013" : formatMoney(row.total)),
  },
];

function committed(row: Commitment): string {
  if (row.category === "spend") return `${row.amount == null ? "spending" : formatMoney(row.amount)} a month`;
  const price = row.unit_price == null ? "" : ` at ${formatMoney(row.unit_price)}`;
  return `${formatCount(row.gpu_hours ?? 0)} GPU-hours a month of ${row.sku ?? ""}, ${words(row.tier)}${price}`;
}

const QUOTAS: readonly Column<Quota>[] = [
  { key: "zone", title: "Zone", sort: (row) => row.zone, render: (row) => row.zone },
  { key: "project", title: "Project", sort: (row) => row.project, render: (row) => row.project ?? "all" },
  { key: "held", title: "Held of what may be", render: quotaText },
];

const POLICIES: readonly Column<Policy>[] = [
  { key: "kind", title: "Rule", sort: (row) => row.kind, render: (row) => words(row.kind) },
  { key: "tier", title: "Tier", sort: (row) => row.tier, render: (row) => words(row.tier) },
  { key: "steps", title: "Steps", render: (row) => stepsSentence(row.kind, row.steps) },
  {
    key: "from",
    title: `Since (${zoneName()})`,
    sort: (row) => row.valid_from,
    render: (row) => formatInstant(row.valid_from),
  },
];

export function CreditPage() {
  const me = usePrincipal();
  return (
    <>
      <Heading title="Credit" />
      <Balance />
      {me.role !== "billing" && <Quotas />}
      <Commitments />
      <Grants />
      <Payments />
      <Policies />
    </>
  );
}

function Balance() {
  const balances = useWhole("credit", { path: "/v1/balance" });
  return (
    <Loaded query={balances} what="the balance">
      {({ items }) =>
        items.map((balance) => (
          <Stats key={balance.currency}>
            <Stat
              name="Available"
              value={balance.available === null ? "no limit" : formatMoney(balance.available)}
              note="what another reservation may cost"
            />
            <Stat name="Owed" value={formatMoney(balance.receivable)} note="invoiced and not paid" />
            <Stat name="Unbilled" value={formatMoney(balance.unbilled)} note="rated, not invoiced yet" />
            <Stat
              name="Prepaid"
              value={formatMoney(balance.prepaid)}
              note={`${formatMoney(balance.customer_credit)} overpaid besides`}
            />
          </Stats>
        ))
      }
    </Loaded>
  );
}

const quotasList = { path: "/v1/quotas" } as const;
function Quotas() {
  return (
    <ResourceList
      title="Quotas"
      noun="quotas"
      query={useWhole("quotas", quotasList)}
      list={quotasList}
      columns={QUOTAS}
      rowKey={(row) => row.id}
      empty="Nothing bounds what you hold."
    />
  );
}

const commitmentsList = { path: "/v1/commitments" } as const;
function Commitments() {
  return (
    <ResourceList
      title="Commitments"
      noun="commitments"
      query={useWhole("terms", commitmentsList)}
      list={commitmentsList}
      columns={COMMITMENTS}
      rowKey={(row) => row.id}
      empty="None: you pay for what you reserve."
    />
  );
}

const grantsList = { path: "/v1/credit-grants" } as const;
function Grants() {
  return (
    <ResourceList
      title="Prepaid credit"
      noun="credit-grants"
      query={useWhole("credit", grantsList)}
      list={grantsList}
      columns={GRANTS}
      rowKey={(row) => row.id}
      empty="None was granted."
    />
  );
}

const paymentsList = { path: "/v1/payments" } as const;
function Payments() {
  return (
    <ResourceList
      title="Payments"
      noun="payments"
      query={useWhole("credit", paymentsList)}
      list={paymentsList}
      columns={PAYMENTS}
      rowKey={(row) => row.id}
      empty="None was received yet."
    />
  );
}

const policiesList = { path: "/v1/charge-policies" } as const;
function Policies() {
  return (
    <ResourceList
      title="Charges and credits by rule"
      noun="charge-policies"
      query={useWhole("terms", policiesList)}
      list={policiesList}
      columns={POLICIES}
      rowKey={(row) => row.id}
      empty="Cancelling and releasing early cost nothing beyond what was delivered."
    />
  );
}
