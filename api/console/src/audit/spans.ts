/** How far back the list reaches. The audit keeps real time, whatever clock the fleet has. */
export const SPANS = ["hour", "day", "week", "all"] as const;

const SECONDS: Readonly<Record<(typeof SPANS)[number], number | null>> = {
  hour: 3600,
  day: 86400,
  week: 604800,
  all: null,
};

/** The instant before `now_ms` at which a span begins, to the minute, so that the list's address rests; null: all. */
export function beginOf(span: (typeof SPANS)[number], now_ms: number): string | undefined {
  const seconds = SECONDS[span];
  if (seconds === null) return undefined;
  const minute_ms = Math.floor(now_ms / 60_000) * 60_000;
  return `${new Date(minute_ms - seconds * 1000).toISOString().slice(0, 19)}Z`;
}
