// What GET /v1/availability is asked, and its answer by type and zone.
import type { Steps } from "./calendar";

interface Answer {
  from: string;
  step_s: number;
  items: readonly { free?: unknown }[];
}

/** Steps of one type and zone; null: there are none. */
export function stepsOf(answer: Answer, index: number): Steps | null {
  const free = answer.items[index]?.free;
  return Array.isArray(free) ? { from: answer.from, step_s: answer.step_s, free: free as number[] } : null;
}

export function until(now: string, weeks: number): string {
  return `${new Date(Date.parse(now) + (weeks * 7 - 1) * 86_400_000).toISOString().slice(0, 19)}Z`;
}
