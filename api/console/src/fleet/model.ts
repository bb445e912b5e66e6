// The fleet as the console holds it: racks with sums, and nodes where they were asked for. Pure.
import type { FleetRack as RackAnswer } from "../api/model";
import { byName } from "../format/text";
import { nodeStates, type NodeState } from "./states";

/** What is held of a node: milli-GPUs [from, to) by a tenant. */
export interface Held {
  from: number;
  to: number;
  tenant: string;
}

export interface FleetNode {
  id: string;
  name: string;
  zone: string;
  fabric: string;
  rack: string;
  rackId: string;
  gpuModel: string;
  gpuCount: number;
  state: NodeState;
  since: string;
  cordoned: boolean;
  powered: boolean;
  note: string | null;
  allocatedMilli: number;
  held: readonly Held[];
}

export interface Rack {
  id: string;
  name: string;
  zone: string;
  fabric: string;
  leaf: string | null;
  nodeCount: number;
  gpuCount: number;
  allocatedMilli: number;
  cordoned: number;
  unpowered: number;
  states: Readonly<Partial<Record<NodeState, number>>>;
  tenants: Readonly<Record<string, number>>;
  /** Null: only sums were asked for. */
  nodes: readonly FleetNode[] | null;
}

/** A state that this console does not know yet is shown as enrolled: there, and nothing more is claimed. */
export function stateOf(state: string): NodeState {
  return nodeStates.find((known) => known === state) ?? "enrolled";
}

type NodeAnswer = NonNullable<RackAnswer["nodes"]>[number];

function nodeOf(rack: RackAnswer, node: NodeAnswer): FleetNode {
  const held = (node.held as [number, number, string][]).map(([from, to, tenant]) => ({ from, to, tenant }));
  return {
    id: node.id,
    name: node.name,
    zone: rack.zone,
    fabric: rack.fabric,
    rack: rack.name,
    rackId: rack.id,
    gpuModel: node.gpu_model,
    gpuCount: node.gpu_count,
    state: stateOf(node.state),
    since: node.since,
    cordoned: node.cordoned,
    powered: node.powered,
    note: node.note ?? null,
    allocatedMilli: held.reduce((sum, { from, to }) => sum + to - from, 0),
    held,
  };
}

export function rackOf(rack: RackAnswer): Rack {
  const nodes = rack.nodes == null ? null : rack.nodes.map((node) => nodeOf(rack, node));
  return {
    id: rack.id,
    name: rack.name,
    zone: rack.zone,
    fabric: rack.fabric,
    leaf: rack.leaf ?? null,
    nodeCount: rack.node_count,
    gpuCount: rack.gpu_count,
    allocatedMilli: rack.allocated_gpu_milli,
    cordoned: rack.cordoned_count,
    unpowered: rack.unpowered_count,
    states: rack.states as Partial<Record<NodeState, number>>,
    tenants: rack.tenants as Record<string, number>,
    nodes,
  };
}

/** Racks in the order of the hall: zone, fabric, name. Racks without nodes are not in it. */
export function inOrder(racks: readonly Rack[]): Rack[] {
  return racks
    .filter((rack) => rack.nodeCount > 0)
    .sort((a, b) => byName(a.zone, b.zone) || byName(a.fabric, b.fabric) || byName(a.name, b.name));
}

/** Where one looks: all of it, a zone, a fabric, a rack. */
export interface Focus {
  zone?: string | undefined;
  fabric?: string | undefined;
  rack?: string | undefined;
}

/** "zone/fabric/rack", as an address holds it. */
export function focusOf(text: string | undefined): Focus {
  const [zone, fabric, rack] = (text ?? "").split("/").map((part) => (part === "" ? undefined : part));
  return { zone, fabric, rack };
}

export function focusText({ zone, fabric, rack }: Focus): string | undefined {
  const parts = [zone, fabric, rack].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join("/");
}

export function isWithin(rack: Pick<Rack, "zone" | "fabric" | "name">, focus: Focus): boolean {
  return (
    (focus.zone === undefined || focus.zone === rack.zone) &&
    (focus.fabric === undefined || focus.fabric === rack.fabric) &&
    (focus.rack === undefined || focus.rack === rack.name)
  );
}

/** One step in, towards a rack; where there is nothing between (one zone only), that step is skipped. */
export function stepIn(focus: Focus, rack: Rack, racks: readonly Rack[]): Focus {
  const zone = focus.zone ?? rack.zone;
  const fabrics = new Set(racks.filter((each) => each.zone === zone).map((each) => each.fabric));
  const zones = new Set(racks.map((each) => each.zone));
  if (focus.zone === undefined && zones.size > 1) return { zone };
  if (focus.fabric === undefined && fabrics.size > 1) return { zone, fabric: rack.fabric };
  return { zone, fabric: rack.fabric, rack: rack.name };
}

export function stepOut(focus: Focus, racks: readonly Rack[]): Focus {
  const fabrics = new Set(racks.filter((each) => each.zone === focus.zone).map((each) => each.fabric));
  const zones = new Set(racks.map((each) => each.zone));
  if (focus.rack !== undefined && fabrics.size > 1) return { zone: focus.zone, fabric: focus.fabric };
  if (focus.fabric !== undefined && zones.size > 1) return { zone: focus.zone };
  return {};
}

export interface FleetSums {
  racks: number;
  nodes: number;
  gpus: number;
  allocatedMilli: number;
  needsAHand: number;
  cordoned: number;
  off: number;
  byState: Record<NodeState, number>;
}

export function sumRacks(racks: readonly Rack[]): FleetSums {
  const byState = Object.fromEntries(nodeStates.map((state) => [state, 0])) as Record<NodeState, number>;
  const sums = {
    racks: racks.length,
    nodes: 0,
    gpus: 0,
    allocatedMilli: 0,
    needsAHand: 0,
    cordoned: 0,
    off: 0,
    byState,
  };
  for (const rack of racks) {
    sums.nodes += rack.nodeCount;
    sums.gpus += rack.gpuCount;
    sums.allocatedMilli += rack.allocatedMilli;
    sums.cordoned += rack.cordoned;
    sums.off += rack.unpowered;
    for (const [state, count] of Object.entries(rack.states)) byState[stateOf(state)] += count;
  }
  sums.needsAHand = byState.quarantined + byState.repair;
  return sums;
}

/** Do all these words stand in what one knows of it? */
export function matches(text: string, find: string | undefined): boolean {
  const words = (find ?? "").toLowerCase().split(/\s+/);
  const searched = text.toLowerCase();
  return words.every((word) => searched.includes(word));
}

export function nodeText(node: FleetNode): string {
  const tenants = node.held.map((held) => held.tenant).join(" ");
  const flags = `${node.cordoned ? "cordoned" : ""} ${node.powered ? "" : "powered off"}`;
  return `${node.name} ${node.zone} ${node.fabric} ${node.rack} ${node.gpuModel} ${node.state} ${flags} ${node.note ?? ""} ${tenants}`;
}
