// How tenants stand: one row for each and currency, and beside it what one can do about it.
import { usePrincipal } from "../app/principal";
import type { ItemOf } from "../api/lists";
import { formatMoney, micro, type Money } from "../format/money";
import { ActionButton, type Action } from "../ui/action";
import { ListView } from "../ui/list-view";
import { StateChip, type Tone } from "../ui/state-chip";
import type { Column } from "../ui/table";
import { grantAction, paymentAction } from "./credit-actions";
import { refusalFor, useBilling } from "./shared";
import { Link } from "@tanstack/react-router";

type Balance = ItemOf<"/v1/system/balances">;

const TENANT_TONES: Readonly<Record<Balance["status"], Tone>> = {
  active: "good",
  suspended: "warn",
  closed: "done",
};

function money(
  key: "unbilled" | "receivable" | "prepaid" | "customer_credit" | "held" | "limit" | "available",
  title: string,
  none = "–",
): Column<Balance> {
  const of = (item: Balance): Money | null => item[key];
  return {
    key,
    title,
    align: "end",
    sort: (item) => (of(item) === null ? null : micro(of(item)?.amount ?? "0")),
    render: (item) => {
      const value = of(item);
      if (value === null) return <span className="fine">{none}</span>;
      return <span className={micro(value.amount) < 0n ? "loss" : undefined}>{formatMoney(value)}</span>;
    },
  };
}

const COLUMNS: readonly Column<Balance>[] = [
  { key: "tenant", title: "Tenant", sort: (item) => item.tenant, render: (item) => <b>{item.tenant}</b> },
  {
    key: "status",
    title: "Status",
    sort: (item) => item.status,
    render: (item) => <StateChip state={item.status} tone={TENANT_TONES[item.status]} />,
  },
  money("unbilled", "Not invoiced yet"),
  money("receivable", "Owed"),
  money("available", "Available", "no limit"),
  money("limit", "Limit", "no limit"),
  money("held", "Held"),
  money("prepaid", "Prepaid"),
  money("customer_credit", "Overpaid"),
];

const keyOf = (item: Balance): string => `${item.tenant} ${item.currency}`;

export function Tenants() {
  const address = useBilling();
  const { search, set } = address;
  return (
    <ListView
      path="/v1/system/balances"
      word="credit"
      noun="balance"
      label="Balances of tenants"
      columns={COLUMNS}
      rowKey={keyOf}
      empty="Each tenant has a balance in its currency. Make a tenant first."
      search={address}
      text={(item) => item.tenant}
      selected={search.open}
      onRow={(item) => set({ open: keyOf(item) === search.open ? undefined : keyOf(item) })}
      below={(items) => {
        const open = items.find((item) => keyOf(item) === search.open);
        return open !== undefined && <Standing balance={open} />;
      }}
    />
  );
}

function Standing({ balance }: { balance: Balance }) {
  const me = usePrincipal();
  const refusal = refusalFor(me);
  const { tenant, currency } = balance;
  return (
    <section className="panel" aria-label={`${tenant} in ${currency}`}>
      <div className="section-top">
        <h2>
          {tenant}, {currency}
        </h2>
        <span className="actions">
          <ActionButton action={limitAction(balance, refusal)} />
          {balance.limit !== null && <ActionButton action={liftAction(balance, refusal)} />}
          <ActionButton action={paymentAction(refusal, tenant, currency)} />
          <ActionButton action={grantAction(refusal, tenant, currency)} />
        </span>
      </div>
      <p className="chips">
        {(["invoices", "payments", "grants", "commitments", "discounts", "prices"] as const).map((section) => (
          <Link key={section} to="/billing" search={{ section, tenant }}>
            Its {section}
          </Link>
        ))}
      </p>
      <p className="fine">
        Available is the limit less what is not invoiced yet, owed and held, and with what is prepaid and overpaid. What
        it does not cover is refused when it is reserved, not later.
      </p>
    </section>
  );
}

function limitAction(balance: Balance, refusal: string | null): Action<never> {
  return {
    title: `Credit limit of ${balance.tenant}`,
    verb: "Set limit",
    about:
      "How far it may owe in this currency, open holds included. 0: only what it has prepaid. A lower limit ends nothing that runs.",
    ask: { method: "PUT", path: "/v1/system/tenants/{id}/credit-limit", params: { id: balance.tenant_id } },
    fields: [
      {
        at: "/limit/amount",
        label: `Limit in ${balance.currency}`,
        kind: "decimal",
        required: true,
        initial: balance.limit?.amount ?? "",
      },
    ],
    fixed: { limit: { currency: balance.currency } },
    refusal,
    touches: ["credit"],
  };
}

function liftAction(balance: Balance, refusal: string | null): Action<never> {
  return {
    title: `Lift the credit limit of ${balance.tenant}`,
    verb: "Lift limit",
    about: `It may then owe as much as it likes in ${balance.currency}, and nothing is held for what it reserves.`,
    ask: {
      method: "DELETE",
      path: "/v1/system/tenants/{id}/credit-limit",
      params: { id: balance.tenant_id },
      query: { currency: balance.currency },
    },
    confirm: balance.tenant,
    refusal,
    touches: ["credit"],
  };
}
