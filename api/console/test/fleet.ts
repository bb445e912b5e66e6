// Fleets for the tests of the map.
import type { FleetNode, Rack } from "../src/fleet/model";

interface Size {
  racks: number;
  nodes: number;
  fabrics?: number;
}

export function nodeOf(fields: Partial<FleetNode>): FleetNode {
  return {
    id: "nod_0",
    name: "n0",
    zone: "z",
    fabric: "f0",
    rack: "r0",
    rackId: "rck_0",
    gpuModel: "H100",
    gpuCount: 8,
    state: "ready",
    since: "2026-01-01T00:00:00Z",
    cordoned: false,
    powered: true,
    note: null,
    allocatedMilli: 0,
    held: [],
    ...fields,
  };
}

/** Racks with sums alone: of each, so many nodes that are ready. */
export function sumsOf({ racks, nodes, fabrics = 1 }: Size): Rack[] {
  return Array.from({ length: racks }, (_, index) => ({
    id: `rck_${index}`,
    name: `r${index}`,
    zone: "z",
    fabric: `f${index % fabrics}`,
    leaf: null,
    nodeCount: nodes,
    gpuCount: nodes * 8,
    allocatedMilli: 0,
    cordoned: 0,
    unpowered: 0,
    states: { ready: nodes },
    tenants: {},
    nodes: null,
  }));
}

export function fleetOf(size: Size): Rack[] {
  return sumsOf(size).map((rack) => ({
    ...rack,
    nodes: Array.from({ length: size.nodes }, (_, index) =>
      nodeOf({
        id: `nod_${rack.id}_${index}`,
        name: `n${index}`,
        fabric: rack.fabric,
        rack: rack.name,
        rackId: rack.id,
      }),
    ),
  }));
}
