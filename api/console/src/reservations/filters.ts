// The list's filters: in the address as people read them, in the request as the API takes them.
import { oneOf, textOf } from "../app/search";
import { reservationStates, tiers } from "./states";

export interface ReservationsSearch {
  state?: (typeof reservationStates)[number] | undefined;
  tier?: (typeof tiers)[number] | undefined;
  tenant?: string | undefined;
  project?: string | undefined;
  zone?: string | undefined;
  type?: string | undefined;
  /** Days (UTC): the window meets them, both included. */
  from?: string | undefined;
  to?: string | undefined;
  find?: string | undefined;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_MS = 86_400_000;

function dayIn(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && DAY.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined;
}

export function searchOf(search: Record<string, unknown>): ReservationsSearch {
  return {
    state: oneOf(reservationStates, search.state),
    tier: oneOf(tiers, search.tier),
    tenant: textOf(search.tenant),
    project: textOf(search.project),
    zone: textOf(search.zone),
    type: textOf(search.type),
    from: dayIn(search.from),
    to: dayIn(search.to),
    find: textOf(search.find),
  };
}

export function queryOf(search: ReservationsSearch): Record<string, string | undefined> {
  const { type, from, to, ...same } = search;
  return {
    ...same,
    instance_type: type,
    from: from && `${from}T00:00:00Z`,
    to: to && `${new Date(Date.parse(to) + DAY_MS).toISOString().slice(0, 10)}T00:00:00Z`,
    order: "newest",
  };
}

/** How many narrow the list, beside what is searched for. */
export function filtersIn({ find: _, ...narrowing }: ReservationsSearch): number {
  return Object.values(narrowing).filter((value) => value !== undefined).length;
}

export function isFiltered(search: ReservationsSearch): boolean {
  return Object.values(search).some((value) => value !== undefined);
}
