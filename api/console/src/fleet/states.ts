// What a node can be, in the order of the legend, and how much it matters.
import type { Node } from "../api/model";
import type { Tone } from "../ui/state-chip";

export const nodeStates = [
  "allocated",
  "ready",
  "enrolled",
  "validating",
  "sanitizing",
  "maintenance",
  "repair",
  "quarantined",
  "retired",
] as const;
export type NodeState = (typeof nodeStates)[number];

export const nodeTones: Readonly<Record<NodeState, Tone>> = {
  allocated: "good",
  ready: "wait",
  enrolled: "wait",
  validating: "busy",
  sanitizing: "busy",
  maintenance: "done",
  repair: "warn",
  quarantined: "bad",
  retired: "done",
};

/** A state that this console does not know yet is drawn as enrolled: there, and nothing more is claimed. */
export function stateOf(node: Node): NodeState {
  return nodeStates.find((state) => state === node.status.state) ?? "enrolled";
}

export interface FleetSums {
  nodes: number;
  gpus: number;
  allocatedMilli: number;
  readyGpus: number;
  needsAHand: number;
  cordoned: number;
  off: number;
  byState: Record<NodeState, number>;
}

export function sumFleet(nodes: readonly Node[]): FleetSums {
  const byState = Object.fromEntries(nodeStates.map((state) => [state, 0])) as Record<NodeState, number>;
  const sums: FleetSums = {
    nodes: nodes.length,
    gpus: 0,
    allocatedMilli: 0,
    readyGpus: 0,
    needsAHand: 0,
    cordoned: 0,
    off: 0,
    byState,
  };
  for (const node of nodes) {
    const state = stateOf(node);
    byState[state] += 1;
    sums.gpus += node.gpu_count;
    sums.allocatedMilli += node.status.allocated_gpu_milli;
    if ((state === "ready" || state === "allocated") && !node.cordoned)
      sums.readyGpus += node.gpu_count - node.status.allocated_gpu_milli / 1000;
    if (state === "quarantined" || state === "repair") sums.needsAHand += 1;
    if (node.cordoned) sums.cordoned += 1;
    if (!node.sim_powered) sums.off += 1;
  }
  return sums;
}

/** The share of a node's GPUs that is allocated, 0 to 1. */
export function shareOf(node: Node): number {
  return node.gpu_count === 0 ? 0 : Math.min(1, node.status.allocated_gpu_milli / (node.gpu_count * 1000));
}
