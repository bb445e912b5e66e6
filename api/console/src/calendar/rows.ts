// The calendar's rows: nodes with their bars, or racks with what their GPUs do step by step. Pure.
import type { Allocation } from "../api/model";
import type { Capacity } from "../api/model";
import { byName } from "../format/text";
import type { FleetNode } from "../fleet/model";
import { secondsOf } from "./scale";

/** A rectangle: slots of a node for a time. */
export interface Bar {
  /** Of the reservation or window: all of its bars share it. */
  owner: string;
  kind: Allocation["kind"];
  name: string;
  tenant: string | null;
  from_s: number;
  /** Infinity: without an end. */
  to_s: number;
  /** Fractions of the node's height. */
  top: number;
  height: number;
}

export interface NodeRow {
  type: "node";
  id: string;
  name: string;
  group: string;
  bars: Bar[];
}

export interface RackRow {
  type: "rack";
  id: string;
  name: string;
  group: string;
  gpus: number;
  steps: Capacity["steps"];
}

export type Row = NodeRow | RackRow;

function barOf(allocation: Allocation, gpus: number): Bar {
  const [from, to] = allocation.slots as [number, number];
  const owner = allocation.reservation ?? allocation.maintenance_window ?? "";
  return {
    owner,
    kind: allocation.kind,
    name: allocation.reservation_name ?? (allocation.kind === "maintenance" ? "maintenance" : owner),
    tenant: allocation.tenant ?? null,
    from_s: secondsOf(allocation.from),
    to_s: allocation.to == null ? Infinity : secondsOf(allocation.to),
    top: from / (gpus * 1000),
    height: (to - from) / (gpus * 1000),
  };
}

export function nodeRows(nodes: readonly FleetNode[], allocations: readonly Allocation[]): NodeRow[] {
  const rows = new Map<string, NodeRow>(
    nodes.map((node) => [
      node.id,
      { type: "node", id: node.id, name: node.name, group: `${node.fabric} / ${node.rack}`, bars: [] },
    ]),
  );
  const gpus = new Map(nodes.map((node) => [node.id, node.gpuCount]));
  for (const allocation of allocations)
    rows.get(allocation.node)?.bars.push(barOf(allocation, gpus.get(allocation.node) ?? 1));
  for (const row of rows.values()) row.bars.sort((a, b) => a.from_s - b.from_s || a.top - b.top);
  return [...rows.values()];
}

export function rackRows(capacity: readonly Capacity[], step_s: number): RackRow[] {
  return capacity
    .map((group) => {
      const hours = group.steps[0] === undefined ? 0 : total(group.steps[0]);
      const gpus = Math.round((hours * 3600) / step_s);
      const id = `${group.fabric} ${group.name}`;
      return { type: "rack" as const, id, name: group.name, group: group.fabric, gpus, steps: group.steps };
    })
    .sort((a, b) => byName(a.group, b.group) || byName(a.name, b.name));
}

export const USES = ["held", "preemptible", "turnaround", "maintenance", "unplannable", "free"] as const;
export type Use = (typeof USES)[number];

export function total(step: Capacity["steps"][number]): number {
  return USES.reduce((sum, use) => sum + Number(step[use]), 0);
}

/** A reservation or window as a whole: what the table lists, and what a drag proposes to change. */
export interface Booking {
  owner: string;
  kind: "instance" | "maintenance";
  name: string;
  tenant: string | null;
  nodes: number;
  from_s: number;
  to_s: number;
}

export function bookingsOf(rows: readonly NodeRow[]): Booking[] {
  const bookings = new Map<string, Booking>();
  for (const row of rows) {
    const counted = new Set<string>();
    for (const bar of row.bars) {
      if (bar.kind === "turnaround") continue;
      const { owner, kind, name, tenant, from_s, to_s } = bar;
      const was = bookings.get(owner);
      const nodes = (was?.nodes ?? 0) + (counted.has(owner) ? 0 : 1);
      counted.add(owner);
      bookings.set(owner, {
        owner,
        kind,
        name,
        tenant,
        nodes,
        from_s: Math.min(was?.from_s ?? Infinity, from_s),
        to_s: Math.max(was?.to_s ?? -Infinity, to_s),
      });
    }
  }
  return [...bookings.values()].sort((a, b) => a.from_s - b.from_s || byName(a.name, b.name));
}
