// Book value against market price: what the books have of each cohort, what it could be sold for, and where the difference
// asks for an impairment test.
import { Link, useSearch } from "@tanstack/react-router";
import { useWhole, type ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { refusalFor } from "../billing/shared";
import { formatMoney, micro, type Money } from "../format/money";
import { countOf, formatDate, words } from "../format/text";
import { ActionButton, type Action } from "../ui/action";
import { ListTools } from "../ui/list-tools";
import { StateChip, type Tone } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";

type BookValue = ItemOf<"/v1/system/book-values">;

const TONES: Readonly<Record<BookValue["assessment"], Tone>> = {
  no_market_price: "wait",
  sound: "good",
  indicated: "warn",
  impaired: "bad",
};

function money(key: keyof BookValue & string, head: string): Column<BookValue> {
  const of = (item: BookValue): Money | null => item[key] as Money | null;
  return {
    key,
    title: head,
    align: "end",
    sort: (item) => {
      const value = of(item);
      return value === null ? null : micro(value.amount);
    },
    render: (item) => {
      const value = of(item);
      if (value === null) return "–";
      return <span className={micro(value.amount) < 0n ? "loss" : undefined}>{formatMoney(value)}</span>;
    },
  };
}

function columnsFor(me: Me): Column<BookValue>[] {
  return [
    {
      key: "key",
      title: "Cohort",
      sort: (item) => item.key,
      render: (item) => (
        <Link to="/assets" search={{ section: "assets", cohort: item.key }}>
          <b>{item.key}</b>
        </Link>
      ),
    },
    {
      key: "assessment",
      title: "Assessment",
      sort: (item) => item.assessment,
      render: (item) => <StateChip state={item.assessment} tone={TONES[item.assessment]} />,
    },
    money("book_value", "Book value"),
    money("market_value", "Market value"),
    money("difference", "Difference"),
    money("monthly_cash", "Cash a month"),
    money("undiscounted_cash_flows", "Cash flows left"),
    money("value_in_use", "Value in use"),
    money("recoverable_amount", "Recoverable"),
    money("ias_36_loss", "Loss, IAS 36"),
    money("asc_360_loss", "Loss, ASC 360"),
    {
      key: "price",
      title: "Market price",
      render: (item) => <ActionButton action={priceAction(me, item)} className="quiet small" />,
    },
  ];
}

export function BookValues() {
  const me = usePrincipal();
  const { currency } = useSearch({ from: "/economics" });
  const query = { by: "cohort", currency };
  const values = useWhole("assets", { path: "/v1/system/book-values", query }, { filters: ["currency"] });
  return (
    <Loaded query={values} what="book values">
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="Nothing is in the books yet">
            Assets are in the books from the close of their first day on.
          </Empty>
        ) : (
          <>
            <Warnings items={items} />
            <div className="section-top">
              <span className="fine">{countOf(items.length, "cohort")}</span>
              <span className="push">
                <ListTools list={{ path: "/v1/system/book-values", query }} name="book-values" />
              </span>
            </div>
            <DataTable label="Book values" columns={columnsFor(me)} rows={items} rowKey={(item) => item.key} />
          </>
        )
      }
    </Loaded>
  );
}

function Warnings({ items }: { items: readonly BookValue[] }) {
  const standing = items.filter((item) => item.assessment === "indicated" || item.assessment === "impaired");
  if (standing.length === 0) {
    return (
      <p className="lead">
        What the books have of the hardware, and what it could be sold for. No impairment is indicated.
      </p>
    );
  }
  return (
    <ul className="warnings">
      {standing.map((item) => (
        <li key={item.key}>
          <b>{item.key}</b>: {words(item.assessment)}
          {item.warning_since !== null && ` since ${formatDate(item.warning_since)}`}. The market has it at{" "}
          {item.market_value === null ? "nothing" : formatMoney(item.market_value)}, the books at{" "}
          {formatMoney(item.book_value)}
          {item.assessment === "impaired"
            ? ": enter the impairment at its assets."
            : "; its cash flows still cover that."}
        </li>
      ))}
    </ul>
  );
}

function priceAction(me: Me, item: BookValue): Action<never> {
  const currency = item.book_value.currency;
  return {
    title: `Market price of ${item.key}`,
    verb: "Say a price",
    about:
      "What a node of the cohort could be sold for from a day on. A price said again for the same day takes its place.",
    ask: { method: "POST", path: "/v1/system/market-prices" },
    fields: [
      {
        at: "/price",
        label: `Price of a node in ${currency}`,
        kind: "decimal",
        required: true,
        parse: (amount) => ({ amount, currency }),
      },
      {
        at: "/selling_cost",
        label: `Costs to sell in ${currency}`,
        kind: "decimal",
        parse: (amount) => ({ amount, currency }),
      },
      { at: "/valid_from", label: "From", kind: "day", note: "Left out: today." },
      { at: "/source", label: "Source", kind: "text", required: true, note: "Where it was found, for the auditor." },
    ],
    fixed: { cohort: item.key },
    refusal: refusalFor(me),
    touches: ["assets", "margin"],
  };
}
