// One node, beside the map.
import type { Node, Zone } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatDate, formatGpus, formatInstant } from "../format/text";
import { ActionButton } from "../ui/action";
import { StateChip } from "../ui/state-chip";
import { cordonAction } from "./cordon";
import { nodeTones, shareOf, stateOf } from "./states";

export function NodeDetail({ node, zone, onClose }: { node: Node; zone: Zone | undefined; onClose: () => void }) {
  const share = shareOf(node);
  return (
    <aside className="panel detail" aria-label={`Node ${node.name}`}>
      <div className="detail-top">
        <h2>{node.name}</h2>
        <button type="button" className="icon" aria-label="Close" onClick={onClose}>
          <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
            <path d="M1 1l8 8M9 1L1 9" stroke="currentColor" strokeWidth="1.5" />
          </svg>
        </button>
      </div>
      <p className="chips">
        <StateChip state={node.status.state} tone={nodeTones[stateOf(node)]} />
        {node.cordoned && <StateChip state="cordoned" tone="warn" />}
        {zone?.driver === "sim" && <span className="tag">simulated</span>}
      </p>
      <p className="actions">
        <ActionButton action={cordonAction(node, usePrincipal())} />
      </p>
      <dl className="facts">
        <Fact name="GPUs">
          {node.gpu_count} × {node.gpu_model}
        </Fact>
        <Fact name="Allocated">
          {formatGpus(node.status.allocated_gpu_milli)} of {node.gpu_count}
          <meter aria-label="Allocated share" min={0} max={1} value={share} />
        </Fact>
        <Fact name="Place">
          {node.zone} / {node.fabric} / {node.rack}
        </Fact>
        <Fact name="In this state since">{formatInstant(node.status.since)}</Fact>
        <Fact name="CPU, memory">
          {node.cpu_milli / 1000} cores, {Math.round(node.memory_mib / 1024)} GiB
        </Fact>
        <Fact name="Turnaround">{node.turnaround_s} s</Fact>
        {zone?.driver === "sim" && <Fact name="Power">{node.sim_powered ? "on" : "off"}</Fact>}
        {node.cordoned && <Fact name="Cordoned because">{node.cordon_reason ?? "no reason given"}</Fact>}
        {node.status.last_error != null && <Fact name="Last error">{node.status.last_error}</Fact>}
        <Fact name="Enrolled">{formatDate(node.enrolled_at)}</Fact>
        <Fact name="Id">
          <code>{node.id}</code>
        </Fact>
      </dl>
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
