// A column of amounts: at the end of its cell, sorted by size.
import { formatMoney, micro, type Money } from "../format/money";
import type { Column } from "./table";

/** The members of a row that are amounts. */
type MoneyKey<T> = { [K in keyof T]-?: T[K] extends Money ? K : never }[keyof T] & string;

/** How amounts stand: plain; strong, as sums do; rare: a dash for nothing; signed: what is lost in its colour. */
type MoneyStyle = "plain" | "strong" | "rare" | "signed";

function shown(money: Money, style: MoneyStyle) {
  const text = formatMoney(money);
  if (style === "strong") return <b>{text}</b>;
  if (style === "rare" && micro(money.amount) === 0n) return "\u2013";
  if (style === "signed" && micro(money.amount) < 0n) return <span className="loss">{text}</span>;
  return text;
}

export function moneyColumn<T>(key: MoneyKey<T>, title: string, style: MoneyStyle = "plain"): Column<T> {
  const of = (row: T): Money => row[key] as Money;
  return {
    key,
    title,
    align: "end",
    sort: (row) => micro(of(row).amount),
    render: (row) => shown(of(row), style),
  };
}
