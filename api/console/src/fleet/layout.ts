// Where each node lies on the map: fabrics one below the other, in them racks as columns of nodes, like the hall.
// Pure: numbers in, numbers out. Cells shrink until the map fits its height; when they would be too small to see, a
// mark stands for a whole rack. No node is ever left out.
import { byName } from "../format/text";

export interface Place {
  zone: string;
  fabric: string;
  rack: string;
  name: string;
}

/** A rectangle of the map: one node, or in a large fleet one rack. */
export interface Mark {
  x: number;
  y: number;
  width: number;
  height: number;
  /** Indices into the places that were laid out. */
  nodes: number[];
}

export interface Label {
  x: number;
  y: number;
  width: number;
  text: string;
  count: number;
}

export interface Layout {
  marks: Mark[];
  racks: Label[];
  fabrics: Label[];
  /** Height of a mark in CSS pixels; a node may be wider, as a server in its rack is. */
  size: number;
  height: number;
  byRack: boolean;
}

interface Rack {
  name: string;
  nodes: number[];
}
interface Fabric {
  name: string;
  racks: Rack[];
}

const SIZES_NODE = [22, 19, 16, 14, 12, 10, 8, 6] as const;
const SIZES_RACK = [26, 20, 14, 10, 7, 5] as const;
const ROWS_MAX = 16;
const FABRIC_TITLE_PX = 34;
const FABRIC_GAP_PX = 20;
const RACK_LABEL_PX = 17;
/** Narrower racks than this have no room for their name. */
const RACK_LABEL_LEAST_PX = 19;
/** The aisle between racks, in pitches. */
const AISLE = 0.5;
/** How much wider than high a node may be drawn, where the hall leaves room for it. */
const BREADTH_MOST = 2.2;

function gapOf(size: number): number {
  return size >= 14 ? 3 : size >= 8 ? 2 : 1;
}

export function groupPlaces(places: readonly Place[]): Fabric[] {
  const fabrics = new Map<string, Map<string, number[]>>();
  places.forEach((place, index) => {
    const fabric = `${place.zone} / ${place.fabric}`;
    const racks = fabrics.get(fabric) ?? new Map<string, number[]>();
    fabrics.set(fabric, racks);
    const nodes = racks.get(place.rack) ?? [];
    racks.set(place.rack, nodes);
    nodes.push(index);
  });
  const nameOf = (index: number): string => places[index]?.name ?? "";
  return [...fabrics]
    .sort(([a], [b]) => byName(a, b))
    .map(([name, racks]) => ({
      name,
      racks: [...racks]
        .sort(([a], [b]) => byName(a, b))
        .map(([rack, nodes]) => ({ name: rack, nodes: nodes.sort((a, b) => byName(nameOf(a), nameOf(b))) })),
    }));
}

/** The breadth of a node such that all racks of a fabric just fill one row, if that is between square and broad. */
function breadthOf(width: number, size: number, columns: number, aisles: number): number {
  const gap = gapOf(size);
  const fitting = Math.floor((width - aisles + gap) / columns) - gap;
  return Math.max(size, Math.min(fitting, Math.round(size * BREADTH_MOST)));
}

/** Lays racks out from left to right, wrapping at the width; each rack is columns of ROWS_MAX marks, or of more
 * where the rack would be wider than the map. */
function arrange(fabrics: readonly Fabric[], width: number, size: number, byRack: boolean): Layout {
  const layout: Layout = { marks: [], racks: [], fabrics: [], size, height: 0, byRack };
  const gap = gapOf(size);
  const pitch = size + gap;
  let y = 0;
  for (const fabric of fabrics) {
    const count = fabric.racks.reduce((sum, rack) => sum + rack.nodes.length, 0);
    layout.fabrics.push({ x: 0, y, width, text: fabric.name, count });
    y += FABRIC_TITLE_PX;
    const groups = byRack
      ? fabric.racks.map((rack) => ({ name: rack.name, marks: [rack.nodes] }))
      : fabric.racks.map((rack) => ({ name: rack.name, marks: rack.nodes.map((node) => [node]) }));
    const largest = Math.max(1, ...groups.map((group) => group.marks.length));
    const columnsMax = Math.max(1, Math.floor((width + gap) / pitch));
    const rows = Math.max(Math.min(ROWS_MAX, largest), Math.ceil(largest / columnsMax));
    const columnsOf = (marks: number): number => Math.max(1, Math.ceil(marks / rows));
    const between = byRack ? 0 : Math.max(4, Math.round(pitch * AISLE));
    const columns = groups.reduce((sum, group) => sum + columnsOf(group.marks.length), 0);
    const breadth = byRack ? size : breadthOf(width, size, columns, between * (groups.length - 1));
    const labelled = !byRack && pitch >= RACK_LABEL_LEAST_PX;
    const band = rows * pitch + (labelled ? RACK_LABEL_PX : between);
    let x = 0;
    for (const group of groups) {
      const across = columnsOf(group.marks.length) * (breadth + gap);
      if (x > 0 && x + across - gap > width) {
        x = 0;
        y += band;
      }
      group.marks.forEach((nodes, index) => {
        const column = Math.floor(index / rows);
        layout.marks.push({
          x: x + column * (breadth + gap),
          y: y + (index % rows) * pitch,
          width: breadth,
          height: size,
          nodes,
        });
      });
      if (labelled)
        layout.racks.push({ x, y: y + rows * pitch, width: across - gap, text: group.name, count: group.marks.length });
      x += across + between;
    }
    y += band + FABRIC_GAP_PX;
  }
  layout.height = Math.ceil(Math.max(0, y - FABRIC_GAP_PX));
  return layout;
}

/** The largest marks with which the map fits into width by heightMax; beyond the smallest it grows in height. */
export function layoutFleet(places: readonly Place[], width: number, heightMax: number): Layout {
  const fabrics = groupPlaces(places);
  let layout = arrange(fabrics, width, SIZES_NODE[0], false);
  for (const size of SIZES_NODE) {
    layout = arrange(fabrics, width, size, false);
    if (layout.height <= heightMax) return layout;
  }
  for (const size of SIZES_RACK) {
    layout = arrange(fabrics, width, size, true);
    if (layout.height <= heightMax) return layout;
  }
  return layout;
}

/** The mark under a point, or the nearest one no further from it than half a mark; null in the open. */
export function markAt(layout: Layout, x: number, y: number): number | null {
  let best: number | null = null;
  let least = layout.size / 2 + 1;
  layout.marks.forEach((mark, index) => {
    const distance = Math.max(mark.x - x, x - mark.x - mark.width, mark.y - y, y - mark.y - mark.height, 0);
    if (distance >= least) return;
    best = index;
    least = distance;
  });
  return best;
}

export type Direction = "left" | "right" | "up" | "down";
const STEPS: Readonly<Record<Direction, readonly [number, number]>> = {
  left: [-1, 0],
  right: [1, 0],
  up: [0, -1],
  down: [0, 1],
};

/** The nearest mark that way; sideways distance counts triple, so that one stays in the row. */
export function neighbour(layout: Layout, from: number, direction: Direction): number {
  const start = layout.marks[from];
  if (start === undefined) return layout.marks.length > 0 ? 0 : from;
  const [dx, dy] = STEPS[direction];
  let best = from;
  let least = Infinity;
  layout.marks.forEach((mark, index) => {
    const ahead = (mark.x - start.x) * dx + (mark.y - start.y) * dy;
    const aside = Math.abs((mark.x - start.x) * dy) + Math.abs((mark.y - start.y) * dx);
    const distance = ahead + 3 * aside;
    if (ahead <= 0 || distance >= least) return;
    best = index;
    least = distance;
  });
  return best;
}
