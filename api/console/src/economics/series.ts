// Numbers of the economics page: from decimal strings to bigints, and only for pixels to floats. Pure.
import { micro, type Money } from "../format/money";

export interface Day {
  day: string;
  revenue: bigint;
  amortization: bigint;
}

export interface DayItem {
  key: string;
  revenue: Money;
  amortization: Money;
}

/** Days in order. */
export function daysOf(items: readonly DayItem[]): Day[] {
  return items
    .map((item) => ({
      day: item.key,
      revenue: micro(item.revenue.amount),
      amortization: micro(item.amortization.amount),
    }))
    .sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0));
}

/** Round steps of an axis from 0 to at least most: 1, 2, 2.5 or 5 times a power of ten, about four of them. */
export function axisSteps(most: bigint): bigint[] {
  if (most <= 0n) return [0n];
  const rough = (most + 3n) / 4n;
  const power = 10n ** BigInt(rough.toString().length - 1);
  const step =
    [10n, 20n, 25n, 50n, 100n].map((tenths) => (power * tenths) / 10n).find((size) => size >= rough) ?? power * 10n;
  const steps: bigint[] = [0n];
  while ((steps.at(-1) ?? 0n) < most) steps.push((steps.at(-1) ?? 0n) + step);
  return steps;
}

/** part of whole as a fraction for drawing. */
export function fraction(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * 100_000n) / whole) / 100_000;
}
