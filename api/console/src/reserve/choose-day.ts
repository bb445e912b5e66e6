// What pressing a day of the calendar means: the first is the start, a later one the end; then it begins anew.
import type { Draft } from "./draft";

const DAY_MS = 86_400_000;

function midnight(day: string, plusDays = 0): string {
  return `${new Date(Date.parse(day) + plusDays * DAY_MS).toISOString().slice(0, 10)}T00:00:00Z`;
}

/** A day that has begun starts at its next full hour. */
function startOf(day: string, now: string): string {
  const start = midnight(day);
  if (Date.parse(start) >= Date.parse(now)) return start;
  const hour = Math.ceil(Date.parse(now) / 3_600_000 + 0.01) * 3_600_000;
  return `${new Date(hour).toISOString().slice(0, 19)}Z`;
}

/** Days that are chosen, both included; null: none. */
export function chosenDays({ when, start, end, latest }: Draft): { from: string; to: string } | null {
  if (start === undefined || (when ?? "asap") === "asap") return null;
  const last = when === "fixed" ? end : latest;
  // An end at midnight is the end of the day before.
  const to = last === undefined ? start : new Date(Date.parse(last) - (when === "fixed" ? 1 : 0)).toISOString();
  return { from: start.slice(0, 10), to: to.slice(0, 10) };
}

export function withDay(draft: Draft, day: string, now: string): Partial<Draft> {
  const { start } = draft;
  if (draft.when === "flexible") {
    const isSecond = start !== undefined && draft.latest === undefined && day >= start.slice(0, 10);
    return isSecond ? { latest: midnight(day, 1) } : { start: startOf(day, now), latest: undefined };
  }
  const isOneDay = start !== undefined && draft.end === midnight(start.slice(0, 10), 1);
  if (draft.when === "fixed" && isOneDay && day > start.slice(0, 10)) return { end: midnight(day, 1) };
  // From "as soon as possible", too: who presses a day means that day.
  return { when: "fixed", start: startOf(day, now), end: midnight(day, 1) };
}
