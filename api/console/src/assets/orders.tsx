// Purchase orders: what was ordered, and what of it has become an asset.
import { Link } from "@tanstack/react-router";
import type { ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { refusalFor } from "../billing/shared";
import { formatMoney, micro } from "../format/money";
import { formatCount, formatDate } from "../format/text";
import { ActionButton, type Action } from "../ui/action";
import type { Field } from "../ui/fields";
import { ListView } from "../ui/list-view";
import type { Column } from "../ui/table";
import { useAssets } from "./page";

type Order = ItemOf<"/v1/system/purchase-orders">;
const PARTS = ["price", "freight", "duty", "installation"] as const;

function columnsFor(me: Me): Column<Order>[] {
  const money = (key: (typeof PARTS)[number], title: string): Column<Order> => ({
    key,
    title,
    align: "end",
    sort: (item) => micro(item[key].amount),
    render: (item) => (micro(item[key].amount) === 0n ? "–" : formatMoney(item[key])),
  });
  return [
    { key: "number", title: "Order", sort: (item) => item.number, render: (item) => <b>{item.number}</b> },
    { key: "vendor", title: "Vendor", sort: (item) => item.vendor, render: (item) => item.vendor },
    { key: "on", title: "Ordered", sort: (item) => item.ordered_on, render: (item) => formatDate(item.ordered_on) },
    money("price", "Price"),
    money("freight", "Freight"),
    money("duty", "Duty"),
    money("installation", "Installation"),
    {
      key: "cost",
      title: "To capitalise",
      align: "end",
      sort: (item) => micro(item.status.cost.amount),
      render: (item) => <b>{formatMoney(item.status.cost)}</b>,
    },
    {
      key: "assets",
      title: "Assets",
      align: "end",
      sort: (item) => item.status.assets,
      render: (item) => (
        <Link to="/assets" search={{ section: "assets", order: item.number }}>
          {formatCount(item.status.assets)}
        </Link>
      ),
    },
    {
      key: "difference",
      title: "No asset yet",
      align: "end",
      sort: (item) => micro(item.status.difference.amount),
      render: (item) => (
        <span className={micro(item.status.difference.amount) === 0n ? undefined : "loss"}>
          {formatMoney(item.status.difference)}
        </span>
      ),
    },
    {
      key: "edit",
      title: "Correct",
      stays: true,
      render: (item) => <ActionButton action={correctAction(me, item)} className="quiet small" />,
    },
  ];
}

export function Orders() {
  const me = usePrincipal();
  const address = useAssets();
  return (
    <ListView
      path="/v1/system/purchase-orders"
      word="assets"
      noun="order"
      label="Purchase orders"
      columns={columnsFor(me)}
      rowKey={(item) => item.id}
      empty="An order’s price, freight, duty and installation are what its assets must come to."
      search={address}
      text={(item) => `${item.number} ${item.vendor} ${item.description}`}
      newestFirst
      create={registerAction(me)}
    />
  );
}

function fieldsFor(order?: Order): Field[] {
  const labels = { price: "Price", freight: "Freight", duty: "Duty", installation: "Installation" } as const;
  return [
    { at: "/vendor", label: "Vendor", kind: "text", required: true, initial: order?.vendor ?? "" },
    { at: "/ordered_on", label: "Ordered on", kind: "day", required: true, initial: order?.ordered_on ?? "" },
    ...PARTS.map((part): Field => ({
      at: `/${part}`,
      label: `${labels[part]} in ${order?.price.currency ?? "USD"}`,
      kind: "decimal",
      required: part === "price",
      initial: order?.[part].amount ?? "",
      parse: (amount) => ({ amount, currency: order?.price.currency ?? "USD" }),
    })),
    { at: "/description", label: "Description", kind: "text", initial: order?.description ?? "" },
  ];
}

function registerAction(me: Me): Action<Order> {
  return {
    title: "Register a purchase order",
    verb: "Register an order",
    ask: { method: "POST", path: "/v1/system/purchase-orders" },
    fields: [
      { at: "/number", label: "Number", kind: "text", required: true, placeholder: "PO-2026-0117" },
      ...fieldsFor(),
    ],
    refusal: refusalFor(me),
    effect: (would) => <p>{formatMoney(would.status.cost)} are to be capitalised.</p>,
    touches: ["assets"],
  };
}

function correctAction(me: Me, order: Order): Action<Order> {
  return {
    title: `Correct ${order.number}`,
    verb: "Correct",
    about: "What its assets cost stays as it is.",
    ask: { method: "PATCH", path: "/v1/system/purchase-orders/{id}", params: { id: order.id }, ifMatch: "*" },
    fields: fieldsFor(order),
    refusal: refusalFor(me),
    effect: (would) => (
      <p>
        {formatMoney(would.status.cost)} are to be capitalised; {formatMoney(would.status.difference)} are no asset yet.
      </p>
    ),
    touches: ["assets"],
  };
}
