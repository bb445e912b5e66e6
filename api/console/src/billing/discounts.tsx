// Discounts: what a tenant pays less, for a time.
import type { ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatRate } from "../format/money";
import { formatInstant } from "../format/text";
import { percentOf } from "../economics/series";
import { ActionButton, type Action } from "../ui/action";
import { ListView } from "../ui/list-view";
import { StateChip, type Tone } from "../ui/state-chip";
import type { Column } from "../ui/table";
import { TenantFilter } from "./filters";
import { moneyFields, refusalFor, SKU_KINDS, tenantField, useBilling } from "./shared";

type Discount = ItemOf<"/v1/system/discounts">;

function stateOf(
  item: { valid_from: string | null; valid_until: string | null },
  now: string,
): { state: string; tone: Tone } {
  if (item.valid_until !== null && item.valid_until <= now) return { state: "ended", tone: "done" };
  if (item.valid_from !== null && item.valid_from > now) return { state: "to come", tone: "busy" };
  return { state: "holds", tone: "good" };
}

function columnsFor(me: Me): Column<Discount>[] {
  const off = (item: Discount): string =>
    item.percent_bp !== null
      ? `${percentOf(item.percent_bp)} % off`
      : item.gpu_hour === null
        ? "–"
        : `${formatRate(item.gpu_hour)} a GPU-hour`;
  return [
    {
      key: "tenant",
      title: "Tenant",
      sort: (item) => item.tenant,
      render: (item) => <b>{item.project === null ? item.tenant : `${item.tenant}/${item.project}`}</b>,
    },
    {
      key: "state",
      title: "State",
      sort: (item) => stateOf(item, me.domain_time).state,
      render: (item) => <StateChip {...stateOf(item, me.domain_time)} />,
    },
    { key: "off", title: "Discount", sort: off, render: off },
    { key: "of", title: "Of", sort: (item) => item.sku, render: (item) => item.sku ?? "everything" },
    { key: "from", title: "From", sort: (item) => item.valid_from, render: (item) => formatInstant(item.valid_from) },
    {
      key: "until",
      title: "Until",
      sort: (item) => item.valid_until,
      render: (item) => (item.valid_until === null ? "open" : formatInstant(item.valid_until)),
    },
    { key: "reason", title: "Reason", sort: (item) => item.reason, render: (item) => item.reason },
    {
      key: "end",
      title: "End",
      render: (item) =>
        (item.valid_until === null || item.valid_until > me.domain_time) && (
          <ActionButton action={endAction(me, item)} className="quiet small" />
        ),
    },
  ];
}

export function Discounts() {
  const me = usePrincipal();
  const address = useBilling();
  const { tenant } = address.search;
  return (
    <ListView
      path="/v1/system/discounts"
      word="terms"
      query={{ tenant }}
      noun="discount"
      label="Discounts"
      columns={columnsFor(me)}
      rowKey={(item) => item.id}
      empty="A share off the price that holds, or a fixed price, for a tenant or one of its projects."
      search={address}
      text={(item) => `${item.tenant} ${item.project ?? ""} ${item.sku ?? ""} ${item.reason}`}
      newestFirst
      filters={<TenantFilter />}
      create={percentAction(me, tenant)}
      more={fixedAction(me, tenant)}
    />
  );
}

const WHEN = [
  { at: "/valid_from", label: "From", kind: "instant", note: "Left out: now." },
  { at: "/valid_until", label: "Until", kind: "instant", note: "Left out: open." },
  { at: "/reason", label: "Reason", kind: "text", required: true },
] as const;

function percentAction(me: Me, tenant: string | undefined): Action<never> {
  return {
    title: "Grant a discount",
    verb: "Grant a discount",
    ask: { method: "POST", path: "/v1/system/discounts" },
    fields: [
      tenantField(tenant),
      { at: "/project", label: "Only of its project", kind: "text" },
      {
        at: "/percent_bp",
        label: "Off the price, basis points",
        kind: "integer",
        required: true,
        note: "1000 is 10 %.",
      },
      { at: "/sku_kind", label: "Only of a", kind: "choice", options: SKU_KINDS },
      { at: "/sku", label: "Name", kind: "text" },
      ...WHEN,
    ],
    refusal: refusalFor(me),
    touches: ["terms"],
  };
}

function fixedAction(me: Me, tenant: string | undefined): Action<never> {
  return {
    title: "Grant a fixed price",
    verb: "Fix a price",
    ask: { method: "POST", path: "/v1/system/discounts" },
    fields: [
      tenantField(tenant),
      { at: "/project", label: "Only of its project", kind: "text" },
      { at: "/sku_kind", label: "Of a", kind: "choice", required: true, options: SKU_KINDS },
      { at: "/sku", label: "Name", kind: "text", required: true },
      ...moneyFields("/gpu_hour", "Price of a GPU-hour", { note: "With six decimals: 2.190000" }),
      ...WHEN,
    ],
    refusal: refusalFor(me),
    touches: ["terms"],
  };
}

function endAction(me: Me, item: Discount): Action<never> {
  return {
    title: `End the discount of ${item.tenant}`,
    verb: "End",
    about: `“${item.reason}”. From then on it pays the price that holds.`,
    ask: { method: "POST", path: "/v1/system/discounts/{id}/end", params: { id: item.id } },
    fields: [{ at: "/valid_until", label: "Until", kind: "instant", note: "Left out: now." }],
    refusal: refusalFor(me),
    touches: ["terms"],
  };
}
