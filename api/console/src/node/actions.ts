// What an operator does to a node: each an action with its effect, its refusal and the command that does the same.
import type { Me, Node, Zone } from "../api/model";
import { toInput } from "../format/zone";
import type { Action } from "../ui/action";

const MAY: readonly string[] = ["operator", "system_admin"];
const TOUCHES = ["nodes", "fleet", "allocations"] as const;
const HOUR_MS = 3_600_000;

/** Why this principal may change nothing here; null: it may. */
export function refusalFor(me: Me): string | null {
  return MAY.includes(me.role) ? null : `your role, ${me.role}, reads only`;
}

const REASON = {
  at: "/reason",
  label: "Reason",
  kind: "text",
  required: true,
  note: "Whoever looks at the node reads this.",
} as const;

export function cordonAction(node: Node, me: Me): Action<Node> {
  const shared = { touches: TOUCHES, refusal: refusalFor(me) } as const;
  if (node.cordoned) {
    return {
      ...shared,
      title: `Uncordon ${node.name}`,
      verb: "Uncordon",
      about: node.draining
        ? "It takes new allocations again, and is no longer drained."
        : "It takes new allocations again.",
      ask: { method: "POST", path: "/v1/system/nodes/{id}/uncordon", params: { id: node.id } },
    };
  }
  return {
    ...shared,
    title: `Cordon ${node.name}`,
    verb: "Cordon",
    about: "It takes no new allocations. What runs on it goes on.",
    ask: { method: "POST", path: "/v1/system/nodes/{id}/cordon", params: { id: node.id } },
    fields: [REASON],
  };
}

export function drainAction(node: Node, me: Me): Action<Node> {
  return {
    touches: TOUCHES,
    refusal: refusalFor(me),
    title: `Drain ${node.name}`,
    verb: node.draining ? "Drain again" : "Drain",
    about:
      "It is cordoned, and what has not begun on it moves to other nodes, where all of its terms hold. What has begun stays to its end: nobody is interrupted.",
    ask: { method: "POST", path: "/v1/system/nodes/{id}/drain", params: { id: node.id } },
    fields: [{ ...REASON, ...(node.drain_reason != null && { initial: node.drain_reason }) }],
  };
}

function powerAction(node: Node, zone: Zone | undefined, me: Me): Action<Node> {
  const simulated = zone?.driver === "sim";
  return {
    touches: TOUCHES,
    refusal: refusalFor(me) ?? (simulated ? null : "only simulated nodes are switched from here"),
    title: `Switch ${node.name} ${node.sim_powered ? "off" : "on"}`,
    verb: node.sim_powered ? "Switch off" : "Switch on",
    about: node.sim_powered
      ? "The stand-in answers no more, as a node that died: it is quarantined, and what runs on it is replaced."
      : "The stand-in answers again: it is wiped, validated, and returns to the pool.",
    ask: { method: "POST", path: "/v1/system/nodes/{id}/power", params: { id: node.id } },
    fixed: { on: !node.sim_powered },
    ...(node.sim_powered && { confirm: node.name }),
  };
}

/** A node that nobody needs leaves the fleet for good; the one that takes its place is enrolled under the same name. */
function replaceAction(node: Node, me: Me, onDone: () => void): Action<null> {
  const busy = node.status.allocated_gpu_milli > 0 ? "somebody is on it: drain it first" : null;
  return {
    touches: TOUCHES,
    refusal: refusalFor(me) ?? busy,
    title: `Retire ${node.name} for its replacement`,
    verb: "Replace",
    about:
      "It leaves the fleet for good, and its name is free: enrol the machine that takes its place under it. Its history and its books stay. What is promised of it must be gone: drain it first.",
    ask: { method: "DELETE", path: "/v1/system/nodes/{id}", params: { id: node.id } },
    confirm: node.name,
    onDone,
  };
}

/** The form of a maintenance window of this node, from the next full hour for four. */
function maintenanceAction(node: Node, me: Me): Action {
  const next = Math.ceil((Date.parse(me.domain_time) + 1) / HOUR_MS) * HOUR_MS;
  const at = (hours: number): string => toInput(new Date(next + hours * HOUR_MS).toISOString());
  return {
    touches: [...TOUCHES, "maintenance"],
    refusal: refusalFor(me),
    title: `Maintenance of ${node.name}`,
    verb: "Plan maintenance",
    about:
      "It leaves service for a time, at nobody’s expense: who has begun there then refuses it, who has not moves aside.",
    ask: { method: "POST", path: "/v1/system/maintenance-windows" },
    fixed: { zone: node.zone, nodes: [node.name] },
    fields: [
      { at: "/starts_at", label: "From", kind: "instant", required: true, initial: at(0) },
      { at: "/ends_at", label: "Until", kind: "instant", required: true, initial: at(4) },
      REASON,
    ],
  };
}

/** All that its page offers. `leave`: where it is gone. */
export function nodeActions(node: Node, zone: Zone | undefined, me: Me, leave: () => void): Action<never>[] {
  return [
    cordonAction(node, me),
    drainAction(node, me),
    maintenanceAction(node, me),
    powerAction(node, zone, me),
    replaceAction(node, me, leave),
  ] as Action<never>[];
}
