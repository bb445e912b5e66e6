// One node, beside the map: what it is, who is on it, and what one does to it. All of it is on the node's page.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, unwrap } from "../api/client";
import type { Node, Zone } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatGpus, formatInstant } from "../format/text";
import { cordonAction, drainAction } from "../node/actions";
import { Detail } from "../ui/detail";
import { ActionButton } from "../ui/action";
import { Loaded } from "../ui/states";
import { StateChip } from "../ui/state-chip";
import { stateOf, type FleetNode } from "./model";
import { nodeTones } from "./states";

interface NodeDetailProps {
  node: FleetNode;
  zone: Zone | undefined;
  onClose: () => void;
}

export function NodeDetail({ node, zone, onClose }: NodeDetailProps) {
  const query = useQuery({
    queryKey: ["nodes", "one", node.id],
    queryFn: () => unwrap(api.GET("/v1/system/nodes/{id}", { params: { path: { id: node.id } } })),
  });
  return (
    <Detail label={`Node ${node.name}`} title={node.name} onClose={onClose}>
      <Loaded query={query} what="the node">
        {(whole) => <NodeFacts node={whole} held={node} zone={zone} />}
      </Loaded>
    </Detail>
  );
}

function NodeFacts({ node, held, zone }: { node: Node; held: FleetNode; zone: Zone | undefined }) {
  const me = usePrincipal();
  const tenants = new Map<string, number>();
  for (const { tenant, from, to } of held.held) tenants.set(tenant, (tenants.get(tenant) ?? 0) + to - from);
  return (
    <>
      <NodeChips node={node} zone={zone} />
      <p className="actions">
        <Link className="button primary" to="/fleet/nodes/$id" params={{ id: node.id }}>
          Open
        </Link>
        <ActionButton action={cordonAction(node, me)} />
        <ActionButton action={drainAction(node, me)} />
      </p>
      <dl className="facts">
        <Fact name="GPUs">
          {node.gpu_count} × {node.gpu_model}
        </Fact>
        <Fact name="Allocated">
          {formatGpus(node.status.allocated_gpu_milli)} of {node.gpu_count}
          <meter
            aria-label="Allocated share"
            min={0}
            max={node.gpu_count * 1000}
            value={node.status.allocated_gpu_milli}
          />
        </Fact>
        {tenants.size > 0 && (
          <Fact name="Held by">
            {[...tenants].map(([tenant, milli]) => `${tenant} (${formatGpus(milli)})`).join(", ")}
          </Fact>
        )}
        <Fact name="Place">
          {node.zone} / {node.fabric} / {node.rack}
        </Fact>
        <Fact name="In this state since">{formatInstant(node.status.since)}</Fact>
        {node.cordoned && <Fact name="Cordoned because">{node.cordon_reason ?? "no reason given"}</Fact>}
        {node.draining && <Fact name="Empty from">{emptyFrom(node)}</Fact>}
        {node.status.last_error != null && <Fact name="Last error">{node.status.last_error}</Fact>}
      </dl>
    </>
  );
}

export function emptyFrom(node: Node): string {
  return node.status.empty_from == null
    ? "not in sight: something open-ended is on it"
    : formatInstant(node.status.empty_from);
}

export function NodeChips({ node, zone }: { node: Node; zone: Zone | undefined }) {
  return (
    <p className="chips">
      <StateChip state={node.status.state} tone={nodeTones[stateOf(node.status.state)]} />
      {node.draining ? (
        <StateChip state="draining" tone="warn" />
      ) : (
        node.cordoned && <StateChip state="cordoned" tone="warn" />
      )}
      {!node.sim_powered && <StateChip state="powered off" tone="bad" />}
      {zone?.driver === "sim" && <span className="tag">simulated</span>}
    </p>
  );
}

export function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
