// Sums per currency: currencies do not add up.
import { micro, type Money } from "../format/money";

export interface Sum {
  currency: string;
  amount: bigint;
  list: bigint;
}

export function sumsOf(rows: readonly { amount: Money; list: Money }[]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const { amount, list } of rows) {
    const { currency } = amount;
    const sum = sums.get(currency) ?? { currency, amount: 0n, list: 0n };
    sums.set(currency, { currency, amount: sum.amount + micro(amount.amount), list: sum.list + micro(list.amount) });
  }
  return [...sums.values()].sort((a, b) => (a.currency < b.currency ? -1 : 1));
}
