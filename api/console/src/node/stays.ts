// What a node's rectangles of the planner's book say: whose, when, how much. Pure.
import type { Allocation } from "../api/model";

/** All that a reservation, turnaround or window holds of a node in one period: its slices put together. */
export interface Stay {
  key: string;
  kind: Allocation["kind"];
  from: string;
  /** Null: without an end. */
  to: string | null;
  reservation: string | null;
  name: string | null;
  tenant: string | null;
  window: string | null;
  milli: number;
  slots: readonly (readonly [number, number])[];
}

export function staysOf(allocations: readonly Allocation[]): Stay[] {
  const stays = new Map<string, Stay>();
  for (const row of allocations) {
    const owner = row.reservation ?? row.maintenance_window ?? "";
    const key = `${row.node} ${owner} ${row.kind} ${row.from} ${row.to ?? ""}`;
    const [from, to] = row.slots as [number, number];
    const was = stays.get(key);
    stays.set(key, {
      key,
      kind: row.kind,
      from: row.from,
      to: row.to ?? null,
      reservation: row.reservation ?? null,
      name: row.reservation_name ?? null,
      tenant: row.tenant ?? null,
      window: row.maintenance_window ?? null,
      milli: (was?.milli ?? 0) + to - from,
      slots: [...(was?.slots ?? []), [from, to] as const],
    });
  }
  return [...stays.values()].sort((a, b) => a.from.localeCompare(b.from));
}

export type When = "past" | "now" | "ahead";

export function whenOf(stay: Pick<Stay, "from" | "to">, now: string): When {
  if (stay.from > now) return "ahead";
  return stay.to !== null && stay.to <= now ? "past" : "now";
}

/** Who holds each GPU now: [tenant or kind, share of the GPU]. */
export function holdersOf(stays: readonly Stay[], gpus: number, now: string): { who: string; share: number }[][] {
  const current = stays.filter((stay) => whenOf(stay, now) === "now");
  return Array.from({ length: gpus }, (_, gpu) =>
    current.flatMap((stay) => {
      const milli = stay.slots.reduce(
        (sum, [from, to]) => sum + Math.max(0, Math.min(to, (gpu + 1) * 1000) - Math.max(from, gpu * 1000)),
        0,
      );
      return milli === 0 ? [] : [{ who: stay.tenant ?? stay.kind, share: milli / 1000 }];
    }),
  );
}
