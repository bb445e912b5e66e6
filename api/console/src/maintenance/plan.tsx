// Planning a window: whom it hits, as the API says while the form is filled in, and the cheapest slot near it.
import type { MaintenanceWindow, Me, Zone } from "../api/model";
import { formatCount, formatInstant, words } from "../format/text";
import { toInput, zoneName } from "../format/zone";
import { refusalFor } from "../node/actions";
import type { Action } from "../ui/action";
import type { Field } from "../ui/fields";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What it takes out of service: one of these three. */
export type Target = "nodes" | "rack" | "leaf";

const TARGET_FIELDS: Readonly<Record<Target, Field>> = {
  nodes: {
    at: "/nodes",
    label: "Nodes",
    kind: "names",
    required: true,
    note: "Their names, separated by commas or spaces.",
  },
  rack: {
    at: "/rack",
    label: "Rack",
    kind: "text",
    required: true,
    note: "All nodes that stand in the rack of this name.",
  },
  leaf: {
    at: "/leaf",
    label: "Leaf switch",
    kind: "text",
    required: true,
    note: "All nodes behind the switch of this name.",
  },
};

interface PlanOptions {
  me: Me;
  zones: readonly Zone[];
  target: Target;
  onDone: (window: MaintenanceWindow) => void;
}

export function planAction({ me, zones, target, onDone }: PlanOptions): Action<MaintenanceWindow> {
  const tomorrow = Math.ceil((Date.parse(me.domain_time) + DAY_MS) / HOUR_MS) * HOUR_MS;
  const at = (hours: number): string => toInput(new Date(tomorrow + hours * HOUR_MS).toISOString());
  return {
    touches: ["maintenance", "fleet", "nodes", "allocations"],
    refusal: refusalFor(me),
    title: "Plan maintenance",
    verb: `Plan for ${target === "nodes" ? "nodes" : `a ${target}`}`,
    about:
      "The zone’s leader decides. Reservations that have not begun move aside to other nodes; where somebody has begun, or has no other place, the window is refused and nothing changes.",
    ask: { method: "POST", path: "/v1/system/maintenance-windows" },
    fields: [
      {
        at: "/zone",
        label: "Zone",
        kind: "choice",
        required: true,
        options: zones.map((zone) => ({ value: zone.name, label: zone.name })),
      },
      TARGET_FIELDS[target],
      { at: "/starts_at", label: "From", kind: "instant", required: true, initial: at(0) },
      { at: "/ends_at", label: "Until", kind: "instant", required: true, initial: at(4) },
      { at: "/reason", label: "Reason", kind: "text", required: true, placeholder: "firmware" },
    ],
    effect: (preview) => <Impact window={preview} />,
    onDone,
  };
}

/** Whom it hits, and where it would hit the least. */
export function Impact({ window }: { window: MaintenanceWindow }) {
  const hits = window.hits ?? [];
  const begun = hits.filter((hit) => hit.begun).length;
  return (
    <>
      <p>
        {hits.length === 0
          ? "It hits nobody."
          : begun > 0
            ? `It would be refused: ${formatCount(begun)} of ${formatCount(hits.length)} that it hits have begun.`
            : `It hits ${formatCount(hits.length)}, none of which has begun: they move aside where they can.`}
      </p>
      {hits.length > 0 && <HitList hits={hits} />}
      <Cheapest window={window} />
    </>
  );
}

export function HitList({ hits }: { hits: NonNullable<MaintenanceWindow["hits"]> }) {
  return (
    <div className="table-scroll">
      <table className="hits">
        <thead>
          <tr>
            <th scope="col">Tenant</th>
            <th scope="col">State</th>
            <th scope="col" className="end">
              Instances
            </th>
            <th scope="col">From ({zoneName()})</th>
            <th scope="col">Until</th>
          </tr>
        </thead>
        <tbody>
          {hits.map((hit) => (
            <tr key={hit.reservation}>
              <th scope="row">{hit.tenant}</th>
              <td>{hit.begun ? <b className="loss">{words(hit.state)}</b> : words(hit.state)}</td>
              <td className="end">{formatCount(hit.instances)}</td>
              <td>{formatInstant(hit.starts_at)}</td>
              <td>{hit.ends_at == null ? "open" : formatInstant(hit.ends_at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const MILLI_S_PER_GPU_H = 3_600_000;

function Cheapest({ window }: { window: MaintenanceWindow }) {
  const cheapest = window.cheapest;
  if (cheapest?.starts_at == null) return null;
  const hours = Math.round((cheapest.hit_gpu_milli_seconds ?? 0) / MILLI_S_PER_GPU_H);
  if (cheapest.starts_at === window.starts_at)
    return <p className="fine">Within the next 14 days no slot of this length is cheaper.</p>;
  return (
    <p className="fine">
      The cheapest slot of this length within 14 days begins {formatInstant(cheapest.starts_at)} {zoneName()}:{" "}
      {hours === 0 ? "nobody holds anything then." : `${formatCount(hours)} GPU-hours are held then.`}
    </p>
  );
}
