// Where everything lies on the map: fabrics one below the other, in them racks as columns of nodes, like the hall. Pure:
// racks in, rectangles out. Cells shrink until the map fits its height; when they would be too small to see, or only
// sums of the racks are known, a mark stands for a whole rack. Nothing is ever left out.
import type { FleetNode, Rack } from "./model";

/** A rectangle of the map: one node, or one rack (node null). */
export interface Mark {
  x: number;
  y: number;
  width: number;
  height: number;
  rack: Rack;
  node: FleetNode | null;
}

export interface Label {
  x: number;
  y: number;
  width: number;
  text: string;
  count: number;
  /** What it names: its first rack. */
  rack: Rack;
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

interface Group {
  name: string;
  racks: Rack[];
}

const SIZES_NODE = [44, 34, 28, 22, 19, 16, 14, 12, 10, 8, 6] as const;
const SIZES_RACK = [44, 34, 26, 20, 14, 10, 7, 5] as const;
const ROWS_MAX = 16;
const FABRIC_TITLE_PX = 34;
const FABRIC_GAP_PX = 20;
const RACK_LABEL_PX = 17;
/** Narrower racks than this have no room for their name. */
const RACK_LABEL_LEAST_PX = 19;
/** The aisle between racks, in pitches. */
const AISLE = 0.5;
/** How much wider than high a node may be drawn, where the hall leaves room for it: as wide as eight GPUs are. */
const BREADTH_MOST = 8;

function gapOf(size: number): number {
  return size >= 14 ? 3 : size >= 8 ? 2 : 1;
}

/** Racks, in order, by their fabric. */
function groupsOf(racks: readonly Rack[]): Group[] {
  const groups = new Map<string, Rack[]>();
  for (const rack of racks) {
    const name = `${rack.zone} / ${rack.fabric}`;
    const members = groups.get(name) ?? [];
    groups.set(name, members);
    members.push(rack);
  }
  return [...groups].map(([name, members]) => ({ name, racks: members }));
}

/** The breadth of a node such that all racks of a fabric just fill one row, if that is between square and broad. */
function breadthOf(width: number, size: number, columns: number, aisles: number): number {
  const gap = gapOf(size);
  const fitting = Math.floor((width - aisles + gap) / columns) - gap;
  return Math.max(size, Math.min(fitting, size * BREADTH_MOST));
}

/** Where the racks of one fabric stand. */
interface Row {
  label: Label | null;
  racks: { rack: Rack; x: number; y: number; across: number }[];
  rows: number;
  breadth: number;
  labelled: boolean;
}

interface Plan {
  size: number;
  byRack: boolean;
  fabrics: Row[];
  height: number;
}

const cellsIn = (rack: Rack, byRack: boolean): number => (byRack ? 1 : (rack.nodes?.length ?? 1));

/** Racks from left to right, wrapping at the width; each is columns of ROWS_MAX marks, or of more where the rack would be
 * wider than the map. */
function planFabric(group: Group, width: number, size: number, byRack: boolean, top: number): Row & { bottom: number } {
  const gap = gapOf(size);
  const pitch = size + gap;
  const cells = group.racks.map((rack) => cellsIn(rack, byRack));
  const largest = cells.reduce((most, count) => Math.max(most, count), 1);
  const columnsMost = Math.max(1, Math.floor((width + gap) / pitch));
  const rows = Math.max(Math.min(ROWS_MAX, largest), Math.ceil(largest / columnsMost));
  const columnsOf = (count: number): number => Math.max(1, Math.ceil(count / rows));
  const between = byRack ? 0 : Math.max(4, Math.round(pitch * AISLE));
  const columns = cells.reduce((sum, count) => sum + columnsOf(count), 0);
  const breadth = byRack ? size : breadthOf(width, size, columns, between * (cells.length - 1));
  const labelled = !byRack && breadth + gap >= RACK_LABEL_LEAST_PX;
  const band = rows * pitch + (labelled ? RACK_LABEL_PX : between);
  let x = 0;
  let y = top + FABRIC_TITLE_PX;
  const racks = group.racks.map((rack, index) => {
    const across = columnsOf(cells[index] ?? 1) * (breadth + gap);
    if (x > 0 && x + across - gap > width) {
      x = 0;
      y += band;
    }
    const place = { rack, x, y, across };
    x += across + between;
    return place;
  });
  const [first] = group.racks;
  const count = group.racks.reduce((sum, rack) => sum + rack.nodeCount, 0);
  const label = first === undefined ? null : { x: 0, y: top, width, text: group.name, count, rack: first };
  return { label, racks, rows, breadth, labelled, bottom: y + band };
}

function plan(groups: readonly Group[], width: number, size: number, byRack: boolean): Plan {
  let y = 0;
  const fabrics = groups.map((group) => {
    const row = planFabric(group, width, size, byRack, y);
    y = row.bottom + FABRIC_GAP_PX;
    return row;
  });
  return { size, byRack, fabrics, height: Math.ceil(Math.max(0, y - FABRIC_GAP_PX)) };
}

/** The marks of what was planned: made once, for the size that fits. */
function carryOut({ size, byRack, fabrics, height }: Plan): Layout {
  const layout: Layout = { marks: [], racks: [], fabrics: [], size, height, byRack };
  const gap = gapOf(size);
  for (const { label, racks, rows, breadth, labelled } of fabrics) {
    if (label !== null) layout.fabrics.push(label);
    for (const { rack, x, y, across } of racks) {
      const cells: readonly (FleetNode | null)[] = byRack ? [null] : (rack.nodes ?? [null]);
      cells.forEach((node, index) => {
        const column = Math.floor(index / rows);
        const row = index % rows;
        layout.marks.push({
          x: x + column * (breadth + gap),
          y: y + row * (size + gap),
          width: breadth,
          height: size,
          rack,
          node,
        });
      });
      const below = y + rows * (size + gap);
      if (labelled)
        layout.racks.push({ x, y: below, width: across - gap, text: rack.name, count: rack.nodeCount, rack });
    }
  }
  return layout;
}

/** The largest marks with which the map fits into width by heightMost; beyond the smallest it grows in height. */
export function layoutFleet(racks: readonly Rack[], width: number, heightMost: number): Layout {
  const groups = groupsOf(racks);
  const sumsOnly = racks.some((rack) => rack.nodes === null);
  const sizes = [
    ...(sumsOnly ? [] : SIZES_NODE.map((size) => ({ size, byRack: false }))),
    ...SIZES_RACK.map((size) => ({ size, byRack: true })),
  ];
  let best = plan([], width, 0, true);
  for (const { size, byRack } of sizes) {
    best = plan(groups, width, size, byRack);
    if (best.height <= heightMost) break;
  }
  return carryOut(best);
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

/** The name of a fabric or rack under a point. */
export function labelAt(layout: Layout, x: number, y: number): Label | null {
  const fabric = layout.fabrics.find((label) => y >= label.y && y < label.y + FABRIC_TITLE_PX);
  if (fabric !== undefined) return fabric;
  return (
    layout.racks.find(
      (label) => y >= label.y && y < label.y + RACK_LABEL_PX && x >= label.x && x < label.x + label.width,
    ) ?? null
  );
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
