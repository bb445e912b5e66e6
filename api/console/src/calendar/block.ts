// The largest free block: the most units (nodes, or GPUs of racks) times time that nobody holds, within a window. Pure.

export interface Busy {
  from_s: number;
  to_s: number;
}

export interface Block {
  from_s: number;
  to_s: number;
  units: number;
}

/**
 * Of units that are each busy at times, sorted or not. A largest block begins where the window does or where something
 * ends; from each such start each free unit reaches to its next use, and the best of "the k that reach furthest" is
 * taken. O(starts x units log units). Null: nothing is free.
 */
export function largestBlock(units: readonly (readonly Busy[])[], from_s: number, to_s: number): Block | null {
  const starts = new Set([from_s]);
  for (const busy of units) for (const { to_s: end } of busy) if (end > from_s && end < to_s) starts.add(end);
  let best: Block | null = null;
  for (const start of starts) {
    const reaches = units.map((busy) => reachOf(busy, start, to_s)).filter((reach) => reach > start);
    reaches.sort((a, b) => b - a);
    reaches.forEach((reach, index) => {
      const size = (index + 1) * (reach - start);
      if (best === null || size > best.units * (best.to_s - best.from_s))
        best = { from_s: start, to_s: reach, units: index + 1 };
    });
  }
  return best;
}

/** Until when it is free from `start` on; start where it is not free then. */
function reachOf(busy: readonly Busy[], start: number, to_s: number): number {
  let reach = to_s;
  for (const { from_s, to_s: end } of busy) {
    if (from_s <= start && end > start) return start;
    if (from_s > start) reach = Math.min(reach, from_s);
  }
  return reach;
}

/** The same of groups whose free amount is known step by step: what is free throughout consecutive steps. */
export function largestStepBlock(free: readonly (readonly number[])[], from_s: number, step_s: number): Block | null {
  const steps = Math.max(0, ...free.map((row) => row.length));
  let best: Block | null = null;
  for (let first = 0; first < steps; first++) {
    const least = free.map(() => Infinity);
    for (let last = first; last < steps; last++) {
      let units = 0;
      free.forEach((row, index) => {
        least[index] = Math.min(least[index] ?? 0, Math.floor(row[last] ?? 0));
        units += least[index] ?? 0;
      });
      const size = units * (last + 1 - first);
      if (units > 0 && (best === null || size * step_s > best.units * (best.to_s - best.from_s)))
        best = { from_s: from_s + first * step_s, to_s: from_s + (last + 1) * step_s, units };
    }
  }
  return best;
}
