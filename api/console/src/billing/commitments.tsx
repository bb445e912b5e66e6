// Commitments, and what became of each, period by period.
import { useWhole, type ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { Meter } from "../charts/meter";
import { fraction } from "../charts/scale";
import { formatMoney, formatRate, micro } from "../format/money";
import { formatCount, formatDate, words } from "../format/text";
import type { Action } from "../ui/action";
import { ListView } from "../ui/list-view";
import { StateChip, type Tone } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import type { Column } from "../ui/table";
import { TableBox } from "../ui/table-box";
import { TenantFilter } from "./filters";
import { moneyFields, refusalFor, SKU_KINDS, tenantField, TIERS, useBilling } from "./shared";

type Commitment = ItemOf<"/v1/system/commitments">;

const TONES: Readonly<Record<Commitment["status"], Tone>> = { pending: "wait", active: "good", expired: "done" };

function whatOf(item: Commitment): string {
  if (item.category === "spend")
    return item.amount === null ? "spend over its term" : `${formatMoney(item.amount)} a month`;
  const price = item.unit_price === null ? "" : ` at ${formatRate(item.unit_price)}`;
  return `${formatCount(item.gpu_hours ?? 0)} GPU-hours a month of ${item.sku ?? ""}, ${words(item.tier)}${price}`;
}

const COLUMNS: readonly Column<Commitment>[] = [
  { key: "tenant", title: "Tenant", sort: (item) => item.tenant, render: (item) => <b>{item.tenant}</b> },
  {
    key: "status",
    title: "Status",
    sort: (item) => item.status,
    render: (item) => <StateChip state={item.status} tone={TONES[item.status]} />,
  },
  { key: "what", title: "To take", sort: whatOf, render: whatOf },
  {
    key: "total",
    title: "All fees",
    align: "end",
    sort: (item) => micro(item.total?.amount ?? "0"),
    render: (item) => (item.total === null ? "–" : formatMoney(item.total)),
  },
  { key: "months", title: "Months", align: "end", sort: (item) => item.months, render: (item) => item.months },
  { key: "from", title: "From", sort: (item) => item.first_month, render: (item) => formatDate(item.first_month) },
  { key: "payment", title: "Paid", sort: (item) => item.payment_model, render: (item) => words(item.payment_model) },
];

export function Commitments() {
  const me = usePrincipal();
  const address = useBilling();
  const { tenant, open } = address.search;
  return (
    <ListView
      path="/v1/system/commitments"
      word="terms"
      query={{ tenant }}
      noun="commitment"
      label="Commitments"
      columns={COLUMNS}
      rowKey={(item) => item.id}
      empty="What a tenant binds itself to take each month, for a lower price."
      search={address}
      text={(item) => `${item.tenant} ${item.sku ?? ""} ${item.status}`}
      filters={<TenantFilter />}
      create={usageAction(me, tenant)}
      more={spendAction(me, tenant)}
      selected={open}
      onRow={(item) => address.set({ open: item.id === open ? undefined : item.id })}
      below={(items) => {
        const chosen = items.find((item) => item.id === open);
        return chosen !== undefined && <Periods commitment={chosen} />;
      }}
    />
  );
}

function Periods({ commitment }: { commitment: Commitment }) {
  const periods = useWhole("margin", { path: "/v1/system/commitments/{id}/periods", params: { id: commitment.id } });
  const title = `What became of it: ${commitment.tenant}, ${whatOf(commitment)}`;
  return (
    <section className="panel" aria-label={title}>
      <h2>{title}</h2>
      <Loaded query={periods} what="its periods">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No period yet">Its first month begins on {formatDate(commitment.first_month)}.</Empty>
          ) : (
            <TableBox label="Periods of the commitment">
              <thead>
                <tr>
                  <th scope="col">Period from</th>
                  <th scope="col">
                    <span className="hidden">Share used</span>
                  </th>
                  {["GPU-hours used", "Beyond it", "Cost", "Used", "Unused", "Overage", "Billed"].map((head) => (
                    <th key={head} scope="col" className="end">
                      {head}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {items.map((item) => (
                  <tr key={item.starts_at}>
                    <th scope="row">{formatDate(item.starts_at)}</th>
                    <td>
                      <Meter share={fraction(micro(item.used.amount), micro(item.cost.amount))} />
                    </td>
                    <td className="end">{formatCount(Math.round(Number(item.used_gpu_hours)))}</td>
                    <td className="end">{formatCount(Math.round(Number(item.overage_gpu_hours)))}</td>
                    <td className="end">{formatMoney(item.cost)}</td>
                    <td className="end">{formatMoney(item.used)}</td>
                    <td className={micro(item.unused.amount) > 0n ? "end loss" : "end"}>{formatMoney(item.unused)}</td>
                    <td className="end">{formatMoney(item.overage)}</td>
                    <td className="end">{formatMoney(item.billed)}</td>
                  </tr>
                ))}
              </tbody>
            </TableBox>
          )
        }
      </Loaded>
    </section>
  );
}

const TERM = [
  {
    at: "/first_month",
    label: "First month",
    kind: "day",
    required: true,
    note: "The first day of this month or of a later one.",
  },
  { at: "/months", label: "Months", kind: "integer", required: true, initial: "12" },
  {
    at: "/payment_model",
    label: "Paid",
    kind: "choice",
    required: true,
    options: ["no_upfront", "partial_upfront", "all_upfront"].map((value) => ({ value, label: words(value) })),
  },
  {
    at: "/upfront_bp",
    label: "Share paid upfront, basis points",
    kind: "integer",
    note: "Of partial upfront: 5000 is a half.",
  },
] as const;

function total(would: Commitment) {
  return would.total !== null && <p>All fees of its term: {formatMoney(would.total)}.</p>;
}

function usageAction(me: Me, tenant: string | undefined): Action<Commitment> {
  return {
    title: "Commit a tenant to usage",
    verb: "Commit usage",
    about:
      "GPU-hours each month at a price of their own. What it does not use is lost; what it uses beyond is billed at the price that holds. Nothing changes a commitment once it is made.",
    ask: { method: "POST", path: "/v1/system/commitments" },
    fields: [
      tenantField(tenant),
      { at: "/sku_kind", label: "Of a", kind: "choice", required: true, options: SKU_KINDS },
      { at: "/sku", label: "Name", kind: "text", required: true },
      { at: "/tier", label: "Tier", kind: "choice", required: true, options: TIERS },
      { at: "/gpu_hours", label: "GPU-hours a month", kind: "integer", required: true },
      ...moneyFields("/unit_price", "Price of a GPU-hour", { note: "With six decimals: 1.850000" }),
      ...TERM,
    ],
    fixed: { category: "usage" },
    refusal: refusalFor(me),
    effect: total,
    touches: ["terms"],
  };
}

function spendAction(me: Me, tenant: string | undefined): Action<Commitment> {
  return {
    title: "Commit a tenant to spend",
    verb: "Commit spend",
    about:
      "Money each month, whatever it is spent on. What it does not spend is lost. Nothing changes a commitment once it is made.",
    ask: { method: "POST", path: "/v1/system/commitments" },
    fields: [tenantField(tenant), ...moneyFields("/amount", "Money a month", { note: "9250.00" }), ...TERM],
    fixed: { category: "spend" },
    refusal: refusalFor(me),
    effect: total,
    touches: ["terms"],
  };
}
