import { expect, test } from "vitest";
import { layoutFleet, markAt } from "../src/fleet/layout";
import { isSeen, moved, revealing, scaleMost, seen, WHOLE, zoomed } from "../src/fleet/zoom";
import { fleetOf } from "./fleet";

const layout = layoutFleet(fleetOf({ racks: 12, nodes: 8 }), 1000, 400);
const frame = { width: 1000, height: layout.height };

test("what is under the pointer stays there", () => {
  const at = { x: 412, y: 170 };
  const mark = markAt(layout, at.x, at.y);
  let view = WHOLE;
  for (const factor of [1.3, 1.7, 0.8]) view = zoomed(view, factor, at, frame, 8);
  expect(view.scale).toBeCloseTo(1.3 * 1.7 * 0.8);
  expect(markAt(seen(layout, view), at.x, at.y)).toBe(mark);
});

test("the map never leaves its frame, and is never smaller than whole", () => {
  expect(zoomed(WHOLE, 0.2, { x: 3, y: 3 }, frame, 8)).toEqual(WHOLE);
  const near = zoomed(WHOLE, 100, { x: 0, y: 0 }, frame, 4);
  expect(near.scale).toBe(4);
  const far = moved(near, { x: -1e6, y: 1e6 }, frame);
  expect(far.x).toBe(frame.width - frame.width * 4);
  expect(far.y).toBe(0);
});

test("a mark walked to is brought into the frame", () => {
  const near = zoomed(WHOLE, 6, { x: 0, y: 0 }, frame, 6);
  const last = layout.marks.length - 1;
  const before = seen(layout, near).marks[last];
  if (before === undefined) throw new Error("no mark");
  expect(isSeen(before, frame)).toBe(false);
  const after = seen(layout, revealing(near, before, frame)).marks[last];
  expect(after !== undefined && isSeen(after, frame)).toBe(true);
});

test("at its nearest a mark is large enough for its name", () => {
  for (const racks of [4, 100, 1600]) {
    const map = layoutFleet(fleetOf({ racks, nodes: 8 }), 1000, 400);
    expect(map.size * scaleMost(map)).toBeGreaterThanOrEqual(44);
  }
});
