// UTC or the reader's own time: one preference of this browser, asked by everything that shows an instant. Days (of a
// bill, of a month) are UTC whatever is chosen.
import { useSyncExternalStore } from "react";

export type TimeZone = "utc" | "local";

const STORED = "sluice.zone";
const listeners = new Set<() => void>();
let zone: TimeZone = stored();

function stored(): TimeZone {
  try {
    return localStorage.getItem(STORED) === "local" ? "local" : "utc";
  } catch {
    return "utc"; // storage may be closed to us
  }
}

export function timeZone(): TimeZone {
  return zone;
}

export function setTimeZone(next: TimeZone): void {
  zone = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

export function useTimeZone(): TimeZone {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, timeZone);
}

/** What stands behind a time: "UTC", or the name of the local zone at that instant ("CEST", "GMT+9"). */
export function zoneName(instant?: string): string {
  if (zone === "utc") return "UTC";
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(
    instant === undefined ? new Date() : new Date(instant),
  );
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "local";
}

/** An instant as <input type=datetime-local> wants it, in the chosen zone. */
export function toInput(instant: string): string {
  const date = new Date(instant);
  const shown = zone === "utc" ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shown.toISOString().slice(0, 16);
}

/** And back: RFC 3339 in UTC, as the API wants it; what is no time stays as it is, for the API to refuse. */
export function fromInput(text: string): string {
  const date = new Date(zone === "utc" ? `${text}Z` : text);
  return Number.isNaN(date.getTime()) ? text : `${date.toISOString().slice(0, 19)}Z`;
}
