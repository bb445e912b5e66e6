// Versions of prices on a time line: grouped by what they are of, placed between the first and a little past the last
// instant that matters. Pure.

export interface Version {
  id: string;
  sku_kind: string;
  sku: string;
  tier: string;
  tenant: string | null;
  project: string | null;
  valid_from: string | null;
  valid_until: string | null;
  withdrawn_at: string | null;
}

export interface PriceGroup<T extends Version> {
  key: string;
  /** Oldest first; those that were withdrawn are before those that took their place. */
  versions: T[];
}

const keyOf = (version: Version): string =>
  [version.tenant ?? "", version.project ?? "", version.sku_kind, version.sku, version.tier].join(" ");

function order(a: Version, b: Version): number {
  const [from, to] = [a.valid_from ?? "", b.valid_from ?? ""];
  if (from !== to) return from < to ? -1 : 1;
  return Number(a.withdrawn_at === null) - Number(b.withdrawn_at === null) || (a.id < b.id ? -1 : 1);
}

/** List prices first, then those of tenants; within, by what they are of. */
export function groupPrices<T extends Version>(versions: readonly T[]): PriceGroup<T>[] {
  const groups = new Map<string, T[]>();
  for (const version of versions) groups.set(keyOf(version), [...(groups.get(keyOf(version)) ?? []), version]);
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, members]) => ({ key, versions: [...members].sort(order) }));
}

export interface Stretch {
  id: string;
  /** 0 to 1 of the line. */
  from: number;
  to: number;
  kind: "past" | "now" | "later" | "withdrawn";
}

export interface Line {
  stretches: Stretch[];
  /** Where the present stands. */
  now: number;
}

const DAY_MS = 86_400_000;
const LEAST_MS = 30 * DAY_MS;

function kindOf(version: Version, start: number, end: number, now: number): Stretch["kind"] {
  if (version.withdrawn_at !== null) return "withdrawn";
  if (end <= now) return "past";
  return start > now ? "later" : "now";
}

/** `domainTime`: the fleet's present. An open end reaches the line's end. */
export function lineOf(versions: readonly Version[], domainTime: string): Line {
  const now = Date.parse(domainTime);
  const known = versions
    .flatMap(({ valid_from, valid_until }) => [valid_from, valid_until])
    .filter((each) => each !== null);
  const instants = [now, ...known.map((each) => Date.parse(each))];
  const first = Math.min(...instants);
  const span = Math.max(LEAST_MS, Math.max(...instants) - first);
  const [low, high] = [first - span * 0.06, first + span * 1.12];
  const at = (instant: number): number => Math.min(1, Math.max(0, (instant - low) / (high - low)));
  const stretches = versions.map((version) => {
    const start = version.valid_from === null ? -Infinity : Date.parse(version.valid_from);
    const end = version.valid_until === null ? Infinity : Date.parse(version.valid_until);
    return { id: version.id, from: at(start), to: at(end), kind: kindOf(version, start, end, now) };
  });
  return { stretches, now: at(now) };
}
