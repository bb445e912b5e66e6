// Cohorts, and the assets of one of them, of an order, or all.
import { Link } from "@tanstack/react-router";
import type { ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { refusalFor } from "../billing/shared";
import { Meter } from "../charts/meter";
import { fraction } from "../charts/scale";
import { formatMoney, micro } from "../format/money";
import { formatCount, formatDate, words } from "../format/text";
import type { Action } from "../ui/action";
import type { Field } from "../ui/fields";
import { ListView } from "../ui/list-view";
import { moneyColumn } from "../ui/money-column";
import { StateChip } from "../ui/state-chip";
import type { Column } from "../ui/table";
import { useAssets } from "./page";

type Cohort = ItemOf<"/v1/system/cohorts">;
export type Asset = ItemOf<"/v1/system/assets">;

const COHORT_COLUMNS: readonly Column<Cohort>[] = [
  {
    key: "cohort",
    title: "Cohort",
    sort: (item) => item.cohort,
    render: (item) => (
      <Link to="/assets" search={{ section: "assets", cohort: item.cohort }}>
        <b>{item.cohort}</b>
      </Link>
    ),
  },
  {
    key: "assets",
    title: "Assets",
    align: "end",
    sort: (item) => item.assets,
    render: (item) => formatCount(item.assets),
  },
  { key: "nodes", title: "Nodes", align: "end", sort: (item) => item.nodes, render: (item) => formatCount(item.nodes) },
  { key: "gpus", title: "GPUs", align: "end", sort: (item) => item.gpus, render: (item) => formatCount(item.gpus) },
  {
    key: "since",
    title: "In service",
    sort: (item) => item.in_service_from,
    render: (item) =>
      item.in_service_from === null
        ? "–"
        : item.in_service_from === item.in_service_until
          ? formatDate(item.in_service_from)
          : `${formatDate(item.in_service_from)} to ${formatDate(item.in_service_until ?? item.in_service_from)}`,
  },
  moneyColumn("cost", "Cost"),
  moneyColumn("accumulated_depreciation", "Depreciated"),
  {
    key: "impaired",
    title: "Impaired",
    align: "end",
    sort: (item) => micro(item.accumulated_impairment.amount),
    render: (item) =>
      micro(item.accumulated_impairment.amount) === 0n ? "–" : formatMoney(item.accumulated_impairment),
  },
  moneyColumn("net_book_value", "Book value", "strong"),
  {
    key: "left",
    title: "Left of cost",
    render: (item) => <Meter share={fraction(micro(item.net_book_value.amount), micro(item.cost.amount))} />,
  },
  {
    key: "payback",
    title: "Pays",
    render: (item) => (
      <Link to="/economics" search={{ view: "payback", cohort: item.cohort }}>
        Payback
      </Link>
    ),
  },
];

export function Cohorts() {
  return (
    <ListView
      path="/v1/system/cohorts"
      word="assets"
      noun="cohort"
      label="Cohorts"
      columns={COHORT_COLUMNS}
      rowKey={(item) => `${item.cohort} ${item.cost.currency}`}
      empty="Assets that were bought together make a cohort. Register the first, or import a spreadsheet."
      search={useAssets()}
      text={(item) => item.cohort}
    />
  );
}

const ASSET_COLUMNS: readonly Column<Asset>[] = [
  {
    key: "serial",
    title: "Serial",
    sort: (item) => item.serial,
    render: (item) => (
      <Link to="/assets/$id" params={{ id: item.id }}>
        <b>{item.serial}</b>
      </Link>
    ),
  },
  {
    key: "state",
    title: "State",
    sort: (item) => stateOf(item).state,
    render: (item) => <StateChip {...stateOf(item)} />,
  },
  { key: "cohort", title: "Cohort", sort: (item) => item.cohort, render: (item) => item.cohort },
  { key: "vendor", title: "Vendor", sort: (item) => item.vendor, render: (item) => item.vendor || "–" },
  { key: "part", title: "Part", sort: (item) => item.part, render: (item) => item.part || "whole" },
  { key: "order", title: "Order", sort: (item) => item.purchase_order, render: (item) => item.purchase_order ?? "–" },
  {
    key: "service",
    title: "In service",
    sort: (item) => item.in_service,
    render: (item) => formatDate(item.in_service),
  },
  {
    key: "life",
    title: "Life",
    align: "end",
    sort: (item) => item.life_months,
    render: (item) => `${item.life_months} mo`,
  },
  moneyColumn("cost", "Cost"),
  {
    key: "book",
    title: "Book value",
    align: "end",
    sort: (item) => (item.status === undefined ? null : micro(item.status.net_book_value.amount)),
    render: (item) => (item.status === undefined ? "–" : <b>{formatMoney(item.status.net_book_value)}</b>),
  },
];

export function stateOf(asset: Asset) {
  if (asset.status === undefined) return { state: "not in the books yet", tone: "wait" } as const;
  if (asset.status.disposed_on !== null) return { state: "disposed of", tone: "done" } as const;
  if (asset.status.depreciated_from === null) return { state: "in stock", tone: "busy" } as const;
  return micro(asset.status.accumulated_impairment.amount) > 0n
    ? ({ state: "impaired", tone: "warn" } as const)
    : ({ state: "in service", tone: "good" } as const);
}

/** A fleet of 125,000 nodes: a cohort of it is shown whole. */
const PAGES_MOST = 130;

export function Assets() {
  const address = useAssets();
  const { cohort, order, serial } = address.search;
  const named = [cohort !== undefined && `cohort ${cohort}`, order !== undefined && `order ${order}`, serial].filter(
    Boolean,
  );
  return (
    <ListView
      path="/v1/system/assets"
      word="assets"
      query={{ cohort, purchase_order: order, serial }}
      noun="asset"
      label="Assets"
      columns={ASSET_COLUMNS}
      rowKey={(item) => item.id}
      empty="Nothing is registered here."
      search={address}
      text={(item) => `${item.serial} ${item.cohort} ${item.vendor} ${item.part} ${item.purchase_order ?? ""}`}
      pagesMax={PAGES_MOST}
      filters={
        named.length === 0 ? (
          <span className="fine">All assets</span>
        ) : (
          <button
            type="button"
            className="small"
            onClick={() => address.set({ cohort: undefined, order: undefined, serial: undefined })}
          >
            Only {named.join(", ")} <span aria-hidden="true">×</span>
            <span className="hidden"> – show all assets</span>
          </button>
        )
      }
      create={registerAction(usePrincipal(), cohort)}
    />
  );
}

const choices = (values: readonly string[]) => values.map((value) => ({ value, label: words(value) }));
const METHODS = [
  "straight_line",
  "declining_balance_150",
  "declining_balance_double",
  "sum_of_years_digits",
  "units_of_production",
];
const CONVENTIONS = ["daily", "full_month", "next_month", "mid_month", "half_year"];

const FIELDS: readonly Field[] = [
  { at: "/serial", label: "Serial number", kind: "text", required: true },
  { at: "/node", label: "Node", kind: "text", note: "Its id; left out: in stock." },
  { at: "/vendor", label: "Vendor", kind: "text" },
  { at: "/part", label: "Part", kind: "text", note: "Of a component: gpus, chassis." },
  { at: "/component_of", label: "Component of", kind: "text", note: "Serial of the whole." },
  { at: "/purchase_order", label: "Purchase order", kind: "text" },
  { at: "/cost/amount", label: "Cost", kind: "decimal", required: true, placeholder: "291000.00" },
  { at: "/cost/currency", label: "Currency", kind: "text", required: true, initial: "USD" },
  { at: "/in_service", label: "In service from", kind: "day", required: true },
  { at: "/life_months", label: "Life in months", kind: "integer", required: true, initial: "60" },
  { at: "/method", label: "Method", kind: "choice", required: true, options: choices(METHODS) },
  { at: "/convention", label: "Convention", kind: "choice", required: true, options: choices(CONVENTIONS) },
];

function registerAction(me: Me, cohort: string | undefined): Action<never> {
  return {
    title: "Register an asset",
    verb: "Register an asset",
    about:
      "Its purchase is posted at the next close of a day, and it is depreciated from the day on which it comes into service.",
    ask: { method: "POST", path: "/v1/system/assets" },
    fields: [{ at: "/cohort", label: "Cohort", kind: "text", required: true, initial: cohort ?? "" }, ...FIELDS],
    refusal: refusalFor(me),
    touches: ["assets", "margin"],
  };
}
