// Numbers of the economics page: from decimal strings to bigints. Pure.
import { micro, type Money } from "../format/money";

export const POOLS = ["amortization", "power", "colocation", "operations", "network", "storage"] as const;
export type Pool = (typeof POOLS)[number];

/** Why nobody bore a cost, in the order in which it is stacked: what one can sell first, what one must mend last. */
const CAUSES = ["unsold", "not_in_service", "sanitizing", "maintenance", "quarantined", "unready", "failed"] as const;

export interface Day {
  day: string;
  revenue: bigint;
  cost: bigint;
  pools: bigint[];
  provisional: boolean;
}

type DayItem = { key: string | null; revenue: Money; cost: Money; provisional?: boolean } & Readonly<
  Record<Pool, Money>
>;

/** Days in order. */
export function daysOf(items: readonly DayItem[]): Day[] {
  return items
    .map((item) => ({
      day: item.key ?? "",
      revenue: micro(item.revenue.amount),
      cost: micro(item.cost.amount),
      pools: POOLS.map((pool) => micro(item[pool].amount)),
      provisional: item.provisional === true,
    }))
    .sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0));
}

/** The pools in which there is anything: those that no rate was set for are not shown. */
export function poolsIn(days: readonly Day[]): Pool[] {
  return POOLS.filter((pool, index) => pool === "amortization" || days.some((day) => day.pools[index] !== 0n));
}

interface IdleItem {
  period_start: string;
  cause: string;
  amount: Money;
}

export interface IdleStack {
  start: string;
  /** Of each of the causes, in their order. */
  parts: bigint[];
}

/** Idle cost by step, stacked by the causes that occur. A cause that we do not know stands last. */
export function idleStacks(items: readonly IdleItem[]): { causes: string[]; stacks: IdleStack[] } {
  const known: readonly string[] = CAUSES;
  const place = (cause: string): number => (known.includes(cause) ? known.indexOf(cause) : known.length);
  const causes = [...new Set(items.map((item) => item.cause))].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  const stacks = new Map<string, bigint[]>();
  for (const item of items) {
    const parts = stacks.get(item.period_start) ?? causes.map(() => 0n);
    const index = causes.indexOf(item.cause);
    parts[index] = (parts[index] ?? 0n) + micro(item.amount.amount);
    stacks.set(item.period_start, parts);
  }
  const starts = [...stacks.keys()].sort();
  return { causes, stacks: starts.map((start) => ({ start, parts: stacks.get(start) ?? [] })) };
}

/** What is left of the capex under a straight line over `life` months down to nothing, at the end of each month from 0. */
export function bookValueLine(capex: bigint, life: number, months: number): bigint[] {
  return Array.from({ length: months + 1 }, (_, month) =>
    month >= life ? 0n : capex - (capex * BigInt(month)) / BigInt(life),
  );
}

/** A share in basis points from what a person types: "72.5" is 7250. Null: it is none. */
export function basisPointsOf(text: string): number | null {
  const match = /^(\d{1,3})(?:[.,](\d{1,2}))?$/.exec(text.trim().replace(/\s*%$/, ""));
  if (match === null) return null;
  return Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"));
}

/** 7250 as "72.5", for the input that basisPointsOf reads. */
export function percentOf(basisPoints: number): string {
  return `${Math.floor(basisPoints / 100)}${
    basisPoints % 100 === 0
      ? ""
      : `.${String(basisPoints % 100)
          .padStart(2, "0")
          .replace(/0$/, "")}`
  }`;
}
