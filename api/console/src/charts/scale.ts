// Where amounts stand on an axis: bigints throughout, floats only for pixels. Pure.

/** 1, 2, 2.5 or 5 times a power of ten, at least `rough`. */
function roundStep(rough: bigint): bigint {
  const power = 10n ** BigInt(rough.toString().length - 1);
  return (
    [10n, 20n, 25n, 50n, 100n].map((tenths) => (power * tenths) / 10n).find((size) => size >= rough) ?? power * 10n
  );
}

const STEPS = 4n;

/** Round values of an axis from `least` or below to `most` or above, about four steps apart; 0 is always one of them. */
export function axisOf(least: bigint, most: bigint): bigint[] {
  const low = least < 0n ? least : 0n;
  const high = most > 0n ? most : 0n;
  if (low === high) return [0n];
  const step = roundStep((high - low + STEPS - 1n) / STEPS);
  const values: bigint[] = [];
  let value = low === 0n ? 0n : -((-low + step - 1n) / step) * step;
  for (; values.length === 0 || (values.at(-1) ?? 0n) < high; value += step) values.push(value);
  return values;
}

/** part of whole as a fraction for drawing. */
export function fraction(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * 1_000_000n) / whole) / 1_000_000;
}

/** How far up `value` stands between the ends of the axis, 0 to 1. */
export function heightOn(axis: readonly bigint[], value: bigint): number {
  const low = axis[0] ?? 0n;
  return fraction(value - low, (axis.at(-1) ?? 0n) - low);
}

export interface Piece {
  series: number;
  from: bigint;
  to: bigint;
}

/** Parts stacked upon each other: what is positive upwards from 0, what is negative downwards. */
export function stackOf(parts: readonly bigint[]): Piece[] {
  let above = 0n;
  let below = 0n;
  return parts.flatMap((part, series) => {
    if (part === 0n) return [];
    const from = part > 0n ? above : below;
    const to = from + part;
    if (part > 0n) above = to;
    else below = to;
    return [{ series, from, to }];
  });
}

/** Every how many columns a label of this width fits. */
export function labelEvery(columns: number, widthPx: number, labelPx: number): number {
  return columns === 0 ? 1 : Math.max(1, Math.ceil((labelPx * columns) / Math.max(1, widthPx)));
}
