// Free capacity by day: from steps of any length to weeks of days, with what is free throughout each.
export interface Steps {
  /** Start of the first step. */
  from: string;
  step_s: number;
  free: readonly number[];
}

export interface Day {
  /** YYYY-MM-DD, UTC. */
  day: string;
  /** Free throughout the day; null: nothing is known of it (it is past, or beyond what was asked). */
  least: number | null;
  /** Free at the best time of the day. */
  most: number | null;
}

const DAY_MS = 86_400_000;

function textOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Monday of the day's week. */
function mondayOf(ms: number): number {
  const midnight = Math.floor(ms / DAY_MS) * DAY_MS;
  return midnight - ((new Date(midnight).getUTCDay() + 6) % 7) * DAY_MS;
}

/** Weeks of seven days from the Monday before the first step on. A step that touches a day counts for it. */
export function weeksOf({ from, step_s, free }: Steps, weeks: number): Day[][] {
  const begins = Date.parse(from);
  const monday = mondayOf(begins);
  const days = new Map<string, { least: number; most: number }>();
  free.forEach((count, index) => {
    const starts = begins + index * step_s * 1000;
    const ends = starts + step_s * 1000 - 1;
    for (let day = Math.floor(starts / DAY_MS); day <= Math.floor(ends / DAY_MS); day++) {
      const key = textOf(day * DAY_MS);
      const was = days.get(key) ?? { least: count, most: count };
      days.set(key, { least: Math.min(was.least, count), most: Math.max(was.most, count) });
    }
  });
  return Array.from({ length: weeks }, (_, week) =>
    Array.from({ length: 7 }, (_unused, weekday) => {
      const day = textOf(monday + (week * 7 + weekday) * DAY_MS);
      const known = days.get(day);
      return { day, least: known?.least ?? null, most: known?.most ?? null };
    }),
  );
}

/** Which of the five shades: 0 none is free, 1 too few, 2 to 4 more and more. */
export function shadeOf(free: number, needed: number, most: number): 0 | 1 | 2 | 3 | 4 {
  if (free === 0) return 0;
  if (free < needed) return 1;
  const share = most <= needed ? 1 : (free - needed) / (most - needed);
  return share >= 0.66 ? 4 : share >= 0.33 ? 3 : 2;
}

/** The least length of a step, in whole hours, with which so many weeks fit the API's 1,000 steps. */
export function stepFor(weeks: number): number {
  return Math.ceil((weeks * 7 * 24) / 1000) * 3600;
}

/** A day further, in one of four directions, kept within the first and the last. */
export function dayBeside(days: readonly string[], at: string, key: string): string {
  const moves: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
  const index = days.indexOf(at) + (moves[key] ?? 0);
  return days[Math.max(0, Math.min(index, days.length - 1))] ?? at;
}
