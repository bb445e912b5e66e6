// What a node can be, in the order of the legend, and how much it matters.
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
