import { describe, expect, it } from "vitest";
import { layoutFleet, markAt, neighbour, type Place } from "../src/fleet/layout";

function fleetOf(fabrics: number, racks: number, nodes: number): Place[] {
  const places: Place[] = [];
  for (let fabric = 0; fabric < fabrics; fabric++)
    for (let rack = 0; rack < racks; rack++)
      for (let node = 0; node < nodes; node++)
        places.push({
          zone: "z",
          fabric: `f${fabric}`,
          rack: `r${rack}`,
          name: `n${(fabric * racks + rack) * nodes + node}`,
        });
  return places;
}

const FLEETS: readonly [string, Place[], number][] = [
  ["one node", fleetOf(1, 1, 1), 300],
  ["the demo", fleetOf(2, 32, 16), 1380],
  ["one rack of everything", fleetOf(1, 1, 1523), 1000],
  ["a rack per node", fleetOf(1, 1523, 1), 1000],
  ["a large hall", fleetOf(8, 98, 16), 1380],
  ["larger than can be drawn by node", fleetOf(16, 500, 16), 1380],
  ["a narrow window", fleetOf(2, 32, 16), 320],
];

describe("the map", () => {
  it.each(FLEETS)("shows_each_node_exactly_once: %s", (_name, places, width) => {
    const shown = layoutFleet(places, width, 720).marks.flatMap((mark) => mark.nodes);
    expect([...shown].sort((a, b) => a - b)).toEqual(places.map((_, index) => index));
  });

  it.each(FLEETS)("lets_no_two_marks_touch_and_none_leave_the_map: %s", (_name, places, width) => {
    const layout = layoutFleet(places, width, 720);
    const taken = new Set<string>();
    for (const mark of layout.marks) {
      expect(mark.x).toBeGreaterThanOrEqual(0);
      expect(mark.y + mark.height).toBeLessThanOrEqual(layout.height);
      expect(mark.x + mark.width).toBeLessThanOrEqual(width);
      for (let x = Math.floor(mark.x); x < mark.x + mark.width; x++) {
        const spot = `${x} ${mark.y}`;
        expect(taken.has(spot), `${spot} is taken twice`).toBe(false);
        taken.add(spot);
      }
    }
  });

  it("sums_up_by_rack_only_when_nodes_no_longer_fit", () => {
    expect(layoutFleet(fleetOf(2, 32, 16), 1380, 720).byRack).toBe(false);
    expect(layoutFleet(fleetOf(16, 500, 16), 1380, 720).byRack).toBe(true);
  });

  it("finds_the_mark_under_the_pointer", () => {
    const layout = layoutFleet(fleetOf(2, 8, 8), 800, 720);
    layout.marks.forEach((mark, index) => expect(markAt(layout, mark.x + 1, mark.y + mark.height - 1)).toBe(index));
    expect(markAt(layout, -100, -100)).toBeNull();
  });

  it("walks_to_every_mark_by_arrows", () => {
    const layout = layoutFleet(fleetOf(2, 8, 8), 800, 720);
    const reached = new Set([0]);
    for (const from of reached)
      for (const direction of ["left", "right", "up", "down"] as const) reached.add(neighbour(layout, from, direction));
    expect(reached.size).toBe(layout.marks.length);
  });
});
