import { describe, expect, it } from "vitest";
import { labelAt, layoutFleet, markAt, neighbour } from "../src/fleet/layout";
import { inOrder } from "../src/fleet/model";
import { fleetOf, sumsOf } from "./fleet";

const overlaps = (a: { x: number; y: number; width: number; height: number }, b: typeof a): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe("the layout of the fleet", () => {
  it("places every node once and none upon another", () => {
    const layout = layoutFleet(fleetOf({ racks: 9, nodes: 7 }), 640, 480);
    expect(layout.byRack).toBe(false);
    expect(new Set(layout.marks.map((mark) => mark.node?.id)).size).toBe(63);
    for (const [index, mark] of layout.marks.entries())
      for (const other of layout.marks.slice(index + 1)) expect(overlaps(mark, other)).toBe(false);
  });

  it("stays within its width and height by shrinking its marks", () => {
    for (const racks of [4, 40, 160]) {
      const layout = layoutFleet(fleetOf({ racks, nodes: 8 }), 1000, 620);
      expect(layout.height).toBeLessThanOrEqual(620);
      for (const mark of layout.marks) expect(mark.x + mark.width).toBeLessThanOrEqual(1000);
    }
  });

  it("lets a mark stand for a rack where nodes would be too small or only sums are known", () => {
    const many = layoutFleet(fleetOf({ racks: 1600, nodes: 8 }), 1200, 620);
    expect(many.byRack).toBe(true);
    expect(many.marks).toHaveLength(1600);
    const sums = layoutFleet(sumsOf({ racks: 8000, nodes: 16 }), 1200, 620);
    expect(sums.marks.reduce((sum, mark) => sum + mark.rack.nodeCount, 0)).toBe(128_000);
  });

  it("shows racks in natural order and names its fabrics", () => {
    const layout = layoutFleet(inOrder(fleetOf({ racks: 12, nodes: 1, fabrics: 2 })), 900, 620);
    expect(layout.fabrics.map((label) => label.text)).toEqual(["z / f0", "z / f1"]);
    expect(layout.marks.slice(0, 6).map((mark) => mark.rack.name)).toEqual(["r0", "r2", "r4", "r6", "r8", "r10"]);
  });

  it("finds what is under the pointer: marks, and the names of fabrics and racks", () => {
    const layout = layoutFleet(fleetOf({ racks: 3, nodes: 4 }), 900, 620);
    const mark = layout.marks[5];
    expect(markAt(layout, (mark?.x ?? 0) + 1, (mark?.y ?? 0) + 1)).toBe(5);
    expect(labelAt(layout, 10, 10)?.text).toBe("z / f0");
    const rack = layout.racks[1];
    expect(labelAt(layout, (rack?.x ?? 0) + 2, (rack?.y ?? 0) + 2)?.rack.name).toBe("r1");
  });

  it("walks to every mark by arrows", () => {
    const layout = layoutFleet(fleetOf({ racks: 16, nodes: 8, fabrics: 2 }), 800, 620);
    const reached = new Set([0]);
    for (const from of reached)
      for (const direction of ["left", "right", "up", "down"] as const) reached.add(neighbour(layout, from, direction));
    expect(reached.size).toBe(layout.marks.length);
  });

  it("moves to the neighbour that way and stays at the edge", () => {
    const layout = layoutFleet(fleetOf({ racks: 2, nodes: 3 }), 900, 620);
    expect(neighbour(layout, 0, "down")).toBe(1);
    expect(neighbour(layout, 0, "right")).toBe(3);
    expect(neighbour(layout, 0, "up")).toBe(0);
    expect(neighbour(layout, 5, "right")).toBe(5);
  });
});
