// A refusal in words: the constraint that bound, with its numbers, and what could be asked for instead.
import { formatCount, formatInstant, formatSpan, words } from "../format/text";

/** A body as POST /v1/reservations takes it, as far as alternatives differ in it. */
export interface WishBody {
  name?: string | null;
  instance_type?: string | null;
  count?: number;
  zone?: string;
  starts_at?: string | null;
  ends_at?: string | null;
  duration_s?: number | null;
  start_range?: (string | null)[] | null;
  placement?: { within?: string; mode?: string; spread?: string | null };
  tier?: string;
  [other: string]: unknown;
}

export interface Fact {
  name: string;
  value: string;
}

/** In the order in which they are read. The window and its scope stand in the sentence. */
const SHOWN: Readonly<Record<string, string>> = {
  constraint: "What bound",
  asked: "Asked for",
  fleet_count: "Free in the zone",
  best_count: "Most at one place",
  where: "Best place",
  scope_count: "Places tried",
};
const IN_THE_SENTENCE: readonly string[] = ["message", "scope", "starts_at", "ends_at"];
const CONSTRAINTS: Readonly<Record<string, string>> = { unplannable: "nodes cordoned or out of service" };

function valueText(value: unknown): string {
  if (typeof value === "number") return formatCount(value);
  if (typeof value !== "string") return JSON.stringify(value);
  return /^\d{4}-\d{2}-\d{2}T/.test(value) ? formatInstant(value) : words(value);
}

/** The planner's sentence, or null. */
export function sentenceOf(binding: unknown): string | null {
  const message = (binding as { message?: unknown } | null)?.message;
  return typeof message === "string" ? message : null;
}

/** The numbers of a binding; those of a quota or of credit are named as they come. */
export function factsOf(binding: unknown): Fact[] {
  if (typeof binding !== "object" || binding === null) return [];
  const order = Object.keys(SHOWN);
  const place = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length);
  return Object.entries(binding)
    .filter(([key, value]) => !IN_THE_SENTENCE.includes(key) && value !== null && typeof value !== "object")
    .sort(([a], [b]) => place(a) - place(b))
    .map(([key, value]) => ({ name: SHOWN[key] ?? words(key), value: CONSTRAINTS[String(value)] ?? valueText(value) }));
}

function span(body: WishBody): number | null {
  if (body.duration_s != null) return body.duration_s;
  if (body.starts_at == null || body.ends_at == null) return null;
  return (Date.parse(body.ends_at) - Date.parse(body.starts_at)) / 1000;
}

function startText(now: WishBody, was: WishBody): string | null {
  const from = now.starts_at ?? now.start_range?.[0] ?? null;
  const before = was.starts_at ?? was.start_range?.[0] ?? null;
  if (from === null || from === before) return null;
  const moved = before === null ? 0 : (Date.parse(from) - Date.parse(before)) / 1000;
  const by = moved === 0 ? "" : `, ${formatSpan(Math.abs(moved))} ${moved > 0 ? "later" : "earlier"}`;
  return `starts ${formatInstant(from)}${by}`;
}

function lengthText(now: WishBody, was: WishBody): string | null {
  const lasts = span(now);
  const lasted = span(was);
  return lasts === null || lasts === lasted
    ? null
    : `lasts ${formatSpan(lasts)}${lasted === null ? "" : ` instead of ${formatSpan(lasted)}`}`;
}

function spreadText(placement: WishBody["placement"]): string {
  return placement?.spread == null ? "anyhow spread" : `no two in one ${placement.spread}`;
}

/** What an alternative has else than what was asked for: one text for each difference. */
export function differencesOf(now: WishBody, was: WishBody): string[] {
  const within = now.placement?.within ?? "zone";
  const found = [
    now.instance_type === was.instance_type ? null : `${now.instance_type ?? ""} instead of ${was.instance_type ?? ""}`,
    now.count === was.count ? null : `${formatCount(now.count ?? 1)} instead of ${formatCount(was.count ?? 1)}`,
    now.zone === was.zone ? null : `in zone ${now.zone ?? ""}`,
    startText(now, was),
    lengthText(now, was),
    within === (was.placement?.within ?? "zone") ? null : `within one ${words(within)}`,
    (now.placement?.spread ?? null) === (was.placement?.spread ?? null) ? null : spreadText(now.placement),
    now.tier === was.tier ? null : words(now.tier ?? "reserved"),
  ].filter((text) => text !== null);
  return found.length === 0 ? ["the same again"] : found;
}

export function bodiesIn(alternatives: unknown): WishBody[] {
  return Array.isArray(alternatives) ? (alternatives as WishBody[]) : [];
}
