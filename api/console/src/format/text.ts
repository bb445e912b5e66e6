// How times, counts and names read. Instants stand in the zone that the reader chose; whoever shows one says which.
import { timeZone, zoneName, type TimeZone } from "./zone";

const DATE_PARTS = { day: "numeric", month: "short", year: "numeric" } as const;
const TIME_PARTS = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
const DATE = new Intl.DateTimeFormat("en-GB", { ...DATE_PARTS, timeZone: "UTC" });
const INSTANT: Readonly<Record<TimeZone, { date: Intl.DateTimeFormat; time: Intl.DateTimeFormat }>> = {
  utc: { date: DATE, time: new Intl.DateTimeFormat("en-GB", { ...TIME_PARTS, timeZone: "UTC" }) },
  local: { date: new Intl.DateTimeFormat("en-GB", DATE_PARTS), time: new Intl.DateTimeFormat("en-GB", TIME_PARTS) },
};
const NUMBER = new Intl.NumberFormat("en-US");
const HOURS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const DECIMAL = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });
const NATURAL = new Intl.Collator("en", { numeric: true });

/** A day of the books, which is UTC: "14 Mar 2026". */
export function formatDate(day: string): string {
  return DATE.format(new Date(day));
}

/** "14 Mar 2026, 09:30:00" without zone; the page names it once (zoneName). */
export function formatInstant(instant: string | null | undefined): string {
  if (instant === null || instant === undefined) return "\u2013";
  const { date, time } = INSTANT[timeZone()];
  const at = new Date(instant);
  return `${date.format(at)}, ${time.format(at)}`;
}

/** A sentence of the API's with its instants as they stand elsewhere: "until 14 Mar 2026, 09:30:00 UTC". */
export function withInstants(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, (at) => `${formatInstant(at)} ${zoneName(at)}`);
}

/** "09:30:00 UTC". */
export function formatTime(instant: string): string {
  return `${INSTANT[timeZone()].time.format(new Date(instant))} ${zoneName(instant)}`;
}

export function formatCount(count: number): string {
  return NUMBER.format(count);
}

/** "3 nodes", "1 node", "2 policies". */
export function countOf(count: number, noun: string): string {
  const several = /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${formatCount(count)} ${count === 1 ? noun : several}`;
}

/** A decimal text of hours, to the hundredth at most: "1,920", "10,749.87". */
export function formatHours(hours: string): string {
  return HOURS.format(Number(hours));
}

/** What a line of an invoice is of: "1,920 GPU-hours", or so much of a meter's unit, "13.75 GB"; a fee is of neither. */
export function formatLineQuantity(line: { gpu_hours: string; quantity: string | null; unit: string | null }): string {
  if (line.quantity !== null) return `${formatDecimal(line.quantity)} ${line.unit ?? ""}`.trim();
  return Number(line.gpu_hours) === 0 ? "\u2013" : `${formatHours(line.gpu_hours)} GPU-hours`;
}

/** "13.750000" as "13.75", in groups of thousands. */
export function formatDecimal(decimal: string): string {
  return DECIMAL.format(Number(decimal));
}

const SPANS: readonly [number, string][] = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

/** The two largest units of a span: "6 d 4 h". */
export function formatSpan(seconds: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, Math.round(seconds));
  for (const [unit, name] of SPANS) {
    const many = Math.floor(rest / unit);
    rest -= many * unit;
    if (many > 0) parts.push(`${many}\u202f${name}`);
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? "0\u202fs" : parts.join(" ");
}

const SIZES = ["B", "kB", "MB", "GB", "TB"] as const;

/** "1.4 GB": powers of a thousand. */
export function formatBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), SIZES.length - 1);
  const value = bytes / 1000 ** step;
  return `${value.toFixed(step === 0 || value >= 100 ? 0 : 1)}\u202f${SIZES[step] ?? "B"}`;
}

/** GPU-milli as GPUs: 8000 is "8", 470 is "0.47". */
export function formatGpus(milli: number): string {
  return NUMBER.format(milli / 1000);
}

/** "not_in_service" reads "not in service". */
export function words(slug: string): string {
  return slug.replaceAll("_", " ");
}

/** "not_in_service" as the head of a column: "Not in service". */
export function title(slug: string): string {
  const text = words(slug);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A title within a sentence: "Service accounts" reads "service accounts", "SSH keys" stays. */
export function inSentence(heading: string): string {
  return /^[A-Z]{2}/.test(heading) ? heading : heading.charAt(0).toLowerCase() + heading.slice(1);
}

/** r2 before r10. */
export function byName(a: string, b: string): number {
  return NATURAL.compare(a, b);
}

/** YYYY-MM-DD, days after (or before) the day of an instant. */
export function dayOf(instant: string, plusDays = 0): string {
  return new Date(Date.parse(instant.slice(0, 10)) + plusDays * 86_400_000).toISOString().slice(0, 10);
}
