import { describe, expect, it } from "vitest";
import { largestBlock, largestStepBlock, type Busy } from "../src/calendar/block";
import { HEAD_PX, ROW_PX } from "../src/calendar/draw";
import { hitAt, nextSpot, propose } from "../src/calendar/pointing";
import { bookingsOf, nodeRows, rackRows } from "../src/calendar/rows";
import { clip, snap, spanOf, ticksOf, timeAt, xOf, type Scale } from "../src/calendar/scale";
import { nodeOf } from "./fleet";

const SCALE: Scale = { from_s: 0, to_s: 1000, left: 100, width: 500 };

/** The largest block by trying every pair of instants. */
function byTrying(units: readonly (readonly Busy[])[], from: number, to: number): number {
  let best = 0;
  for (let start = from; start < to; start++)
    for (let end = start + 1; end <= to; end++) {
      const free = units.filter((busy) => busy.every((each) => each.to_s <= start || each.from_s >= end)).length;
      best = Math.max(best, free * (end - start));
    }
  return best;
}

describe("the largest free block", () => {
  it("is as large as the largest found by trying all", () => {
    let seed = 20260117;
    const random = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
    for (let round = 0; round < 200; round++) {
      const units = Array.from({ length: 1 + random(5) }, () =>
        Array.from({ length: random(4) }, () => {
          const from_s = random(14) - 2;
          return { from_s, to_s: from_s + 1 + random(6) };
        }),
      );
      const block = largestBlock(units, 0, 12);
      const size = block === null ? 0 : block.units * (block.to_s - block.from_s);
      expect(size, JSON.stringify(units)).toBe(byTrying(units, 0, 12));
    }
  });

  it("of sums is what stays free through its steps", () => {
    expect(largestStepBlock([[8, 8, 0], [4, 8, 8]], 100, 10)).toEqual({ from_s: 100, to_s: 120, units: 12 }); // prettier-ignore
    expect(largestStepBlock([[0.4], [0]], 0, 10)).toBeNull();
  });
});

describe("the scale", () => {
  it("leads from time to place and back, and clips to the window", () => {
    expect(timeAt(SCALE, xOf(SCALE, 250))).toBe(250);
    expect(clip(SCALE, -100, 500)).toEqual({ x: 100, width: 250 });
    expect(clip(SCALE, 900, Infinity)).toEqual({ x: 550, width: 50 });
    expect(clip(SCALE, 1000, 2000)).toBeNull();
    expect(snap(3601, 3600)).toBe(3600);
  });

  it("has ticks on Mondays, midnights and firsts of months", () => {
    const from_s = Date.UTC(2026, 2, 17) / 1000;
    const days = (span: Parameters<typeof spanOf>[0], many: number): string[] =>
      ticksOf(spanOf(span), from_s, from_s + many * 86400).map((tick) => tick.label);
    expect(days("month", 31).slice(0, 2)).toEqual(["23 Mar", "30 Mar"]);
    expect(days("day", 1).slice(0, 3)).toEqual(["17 Mar", "03:00", "06:00"]);
    expect(days("year", 366)[0]).toBe("Apr 2026");
    expect(days("year", 366)).toHaveLength(12);
  });
});

const NODES = [nodeOf({ id: "a", name: "a" }), nodeOf({ id: "b", name: "b" })];
const allocation = (node: string, owner: string, from: number, to: number | null, kind = "instance") => ({
  node,
  slots: [0, 8000],
  from: new Date(from * 1000).toISOString(),
  to: to === null ? null : new Date(to * 1000).toISOString(),
  kind,
  reservation: kind === "maintenance" ? null : owner,
  maintenance_window: kind === "maintenance" ? owner : null,
  reservation_name: owner,
  tenant: kind === "maintenance" ? null : "acme",
});
const ROWS = nodeRows(NODES, [
  allocation("a", "one", 100, 300),
  allocation("a", "one", 300, 320, "turnaround"),
  allocation("b", "one", 100, 300),
  allocation("b", "two", 400, null),
] as never);

describe("rows", () => {
  it("put a booking's bars together, without its turnaround", () => {
    expect(bookingsOf(ROWS)).toMatchObject([
      { owner: "one", nodes: 2, from_s: 100, to_s: 300 },
      { owner: "two", nodes: 1, to_s: Infinity },
    ]);
  });

  it("of racks know their GPUs from what a step sums to", () => {
    const step = {
      starts_at: "2026-01-01T00:00:00Z",
      held: 16,
      preemptible: 0,
      turnaround: 0,
      maintenance: 0,
      unplannable: 8,
      free: 8,
    };
    expect(rackRows([{ level: "rack", name: "r1", fabric: "f", steps: [step] }], 7200)[0]).toMatchObject({
      gpus: 16,
      group: "f",
    });
  });
});

describe("pointing", () => {
  it("tells a bar from its end, and turnaround from both", () => {
    const y = HEAD_PX + 4;
    expect(hitAt(ROWS, SCALE, xOf(SCALE, 200), y, 0)).toEqual({ row: 0, bar: 0, edge: false });
    expect(hitAt(ROWS, SCALE, xOf(SCALE, 298), y, 0)).toEqual({ row: 0, bar: 0, edge: true });
    expect(hitAt(ROWS, SCALE, xOf(SCALE, 700), y, 0)).toBeNull();
    expect(hitAt(ROWS, SCALE, xOf(SCALE, 500), y, ROW_PX)).toMatchObject({ row: 1, bar: 1 });
  });

  it("walks by arrows from bar to bar", () => {
    expect(nextSpot(ROWS, null, "right")).toEqual({ row: 0, bar: 0 });
    expect(nextSpot(ROWS, { row: 0, bar: 0 }, "down")).toEqual({ row: 1, bar: 0 });
    expect(nextSpot(ROWS, { row: 1, bar: 0 }, "right")).toEqual({ row: 1, bar: 1 });
    expect(nextSpot(ROWS, { row: 1, bar: 1 }, "right")).toEqual({ row: 1, bar: 1 });
  });

  it("proposes another end of what has begun, and another time of what has not", () => {
    const [one, two] = bookingsOf(ROWS);
    expect(propose(one!, null, 104, false, 150, 50)).toEqual({ owner: "one", from_s: 100, to_s: 400 });
    expect(propose(one!, null, 104, true, 150, 50)).toEqual({ owner: "one", from_s: 100, to_s: 400 });
    expect(propose(one!, null, 104, true, 50, 50)).toEqual({ owner: "one", from_s: 200, to_s: 400 });
    expect(propose(one!, null, -1000, false, 150, 50)).toBeNull();
    expect(propose(two!, null, 100, false, 150, 50)).toBeNull();
  });
});
