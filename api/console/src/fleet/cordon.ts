// Taking a node out of what is sold, and back.
import type { Me, Node } from "../api/model";
import type { Action } from "../ui/action";

const MAY: readonly string[] = ["operator", "system_admin"];

/** Why this principal may not change nodes; null: it may. */
function refusalFor(me: Me): string | null {
  return MAY.includes(me.role) ? null : `your role, ${me.role}, reads only`;
}

export function cordonAction(node: Node, me: Me): Action<Node> {
  const shared = { touches: ["nodes"], refusal: refusalFor(me) } as const;
  if (node.cordoned) {
    return {
      ...shared,
      title: `Uncordon ${node.name}`,
      verb: "Uncordon",
      about: "It takes new allocations again.",
      ask: { method: "POST", path: "/v1/system/nodes/{id}/uncordon", params: { id: node.id } },
    };
  }
  return {
    ...shared,
    title: `Cordon ${node.name}`,
    verb: "Cordon",
    about: "It takes no new allocations. What runs on it goes on.",
    ask: { method: "POST", path: "/v1/system/nodes/{id}/cordon", params: { id: node.id } },
    fields: [
      { at: "/reason", label: "Reason", kind: "text", required: true, note: "Whoever finds it cordoned reads this." },
    ],
  };
}
