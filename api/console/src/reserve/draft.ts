// What somebody is about to reserve: it lives in the address, so that reload, back and a link to a colleague keep it;
// and the body that it comes to.
import { countIn, oneOf, textOf } from "../app/search";
import { tiers } from "../reservations/states";

export const STEPS = ["what", "when", "price"] as const;
export const WHENS = ["asap", "fixed", "flexible"] as const;
export const SCOPES = ["zone", "fabric", "leaf", "rack", "nvlink_domain", "node"] as const;
export const SPREADS = ["node", "rack", "leaf"] as const;
export const OTHERWISE = ["reject", "waitlist", "next_window"] as const;
export const COUNT_MAX = 100_000;
export const HOURS_MAX = 87_600;

export type Step = (typeof STEPS)[number];

export interface Draft {
  step?: Step | undefined;
  type?: string | undefined;
  count?: number | undefined;
  zone?: string | undefined;
  within?: (typeof SCOPES)[number] | undefined;
  preferred?: "yes" | undefined;
  spread?: (typeof SPREADS)[number] | undefined;
  tier?: (typeof tiers)[number] | undefined;
  project?: string | undefined;
  name?: string | undefined;
  image?: string | undefined;
  /** Names, with commas between. */
  keys?: string | undefined;
  when?: (typeof WHENS)[number] | undefined;
  /** Fixed: the start. Flexible: the earliest one. RFC 3339, UTC. */
  start?: string | undefined;
  /** Fixed: the end. */
  end?: string | undefined;
  /** Flexible: the latest start. */
  latest?: string | undefined;
  /** As soon as possible and flexible: how long. */
  hours?: number | undefined;
  /** As soon as possible, until it is cancelled. */
  open?: "yes" | undefined;
  otherwise?: (typeof OTHERWISE)[number] | undefined;
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

function instantIn(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && INSTANT.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined;
}

export function draftOf(search: Record<string, unknown>): Draft {
  return {
    step: oneOf(STEPS, search.step),
    type: textOf(search.type),
    count: countIn(search.count, 1, COUNT_MAX),
    zone: textOf(search.zone),
    within: oneOf(SCOPES, search.within),
    preferred: search.preferred === "yes" ? "yes" : undefined,
    spread: oneOf(SPREADS, search.spread),
    tier: oneOf(tiers, search.tier),
    project: textOf(search.project),
    name: textOf(search.name),
    image: textOf(search.image),
    keys: textOf(search.keys),
    when: oneOf(WHENS, search.when),
    start: instantIn(search.start),
    end: instantIn(search.end),
    latest: instantIn(search.latest),
    hours: countIn(search.hours, 1, HOURS_MAX),
    open: search.open === "yes" ? "yes" : undefined,
    otherwise: oneOf(OTHERWISE, search.otherwise),
  };
}

export function keysOf(draft: Draft): string[] {
  return (draft.keys ?? "").split(",").filter((key) => key !== "");
}

/** How long, where no end is given: a day unless said. */
export function hoursOf(draft: Draft): number {
  return draft.hours ?? 24;
}

/** What is still to be said before a step can be left; empty: nothing. */
export function lackOf(draft: Draft, step: Step): string[] {
  if (step === "what")
    return [...(draft.type === undefined ? ["an instance type"] : []), ...(draft.zone === undefined ? ["a zone"] : [])];
  if (step === "price") return [];
  const when = draft.when ?? "asap";
  if (when === "fixed") {
    if (draft.start === undefined || draft.end === undefined) return ["a start and an end"];
    return Date.parse(draft.end) > Date.parse(draft.start) ? [] : ["an end behind the start"];
  }
  return when === "asap" || draft.latest !== undefined ? [] : ["the latest start"];
}

function placementOf(draft: Draft): object {
  return {
    within: draft.within ?? "zone",
    mode: draft.preferred === "yes" ? "preferred" : "required",
    ...(draft.spread !== undefined && { spread: draft.spread }),
  };
}

const HOUR_S = 3600;
/** As soon as possible looks this far ahead: two months, as offers do. */
const SOON_DAYS = 60;

function plusHours(instant: string, hours: number): string {
  return `${new Date(Date.parse(instant) + hours * HOUR_S * 1000).toISOString().slice(0, 19)}Z`;
}

function windowOf(draft: Draft, now: string): object {
  const when = draft.when ?? "asap";
  if (when === "fixed") return { starts_at: draft.start, ends_at: draft.end };
  if (when === "asap" && draft.open === "yes") return { starts_at: null, ends_at: null };
  const latest = when === "asap" ? plusHours(now, SOON_DAYS * 24) : draft.latest;
  return {
    duration_s: hoursOf(draft) * HOUR_S,
    start_range: [when === "asap" ? null : (draft.start ?? null), latest],
  };
}

export type Body = Record<string, unknown>;

/** The body of POST /v1/reservations. `now` is the fleet's time. */
export function bodyOf(draft: Draft, now: string): Body {
  const keys = keysOf(draft);
  return {
    ...(draft.name !== undefined && { name: draft.name }),
    ...(draft.project !== undefined && { project: draft.project }),
    instance_type: draft.type,
    count: draft.count ?? 1,
    zone: draft.zone,
    ...windowOf(draft, now),
    placement: placementOf(draft),
    tier: draft.tier ?? "reserved",
    ...(draft.otherwise !== undefined && draft.otherwise !== "reject" && { if_unavailable: draft.otherwise }),
    ...(draft.image !== undefined && { image: draft.image }),
    ...(keys.length > 0 && { ssh_keys: keys }),
  };
}

/** The body of POST /v1/offers; null: open-ended, which is never offered. */
export function searchBodyOf(draft: Draft, now: string): Body | null {
  if (draft.open === "yes" && (draft.when ?? "asap") === "asap") return null;
  const { instance_type, count, zone, placement, tier, project } = bodyOf(draft, now);
  const shared = { instance_type, count, zone, placement, tier, ...(project !== undefined && { project }) };
  if (draft.when !== "fixed") {
    const { duration_s, start_range } = windowOf(draft, now) as { duration_s: number; start_range: unknown };
    return { ...shared, duration_s: { least: duration_s }, start_range };
  }
  const duration_s = (Date.parse(draft.end ?? "") - Date.parse(draft.start ?? "")) / 1000;
  return {
    ...shared,
    duration_s: { least: duration_s },
    start_range: [draft.start, plusHours(draft.start ?? now, 14 * 24)],
  };
}

/** An offer's body, with what a search does not know of: its name and how its instances come up. */
export function offeredBody(offered: Body, draft: Draft, now: string): Body {
  const { name, image, ssh_keys } = bodyOf(draft, now);
  const own = Object.entries({ name, image, ssh_keys }).filter(([, value]) => value !== undefined);
  return { ...offered, ...Object.fromEntries(own) };
}
