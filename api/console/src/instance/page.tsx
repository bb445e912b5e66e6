// One instance: where it is in its life, what it says, and what can be asked of it.
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useObject, type ObjectOf } from "../api/lists";
import { isProvider, type Me } from "../api/model";
import { useReservation } from "../api/queries";
import { usePrincipal } from "../app/principal";
import { formatGpus, formatInstant, words } from "../format/text";
import { zoneName } from "../format/zone";
import { toneOf } from "../reservations/states";
import { nameOf } from "../reservations/wish";
import { ActionButton } from "../ui/action";
import { CopyAs } from "../ui/copy-as";
import { Fact, Facts } from "../ui/facts";
import { Heading } from "../ui/heading";
import { StateChip } from "../ui/state-chip";
import { Loaded } from "../ui/states";
import { instanceActions, isGone, mayUse, type Instance } from "./actions";
import { AskedOf } from "./asked";
import { Console, TAILS } from "./console";
import "./instance.css";

const FROM = "/reservations/instances/$id";

export function InstancePage() {
  const me = usePrincipal();
  const { id } = useParams({ from: FROM });
  const path = isProvider(me) ? "/v1/system/instances/{id}" : "/v1/instances/{id}";
  const instance = useObject("reservations", { path, params: { id } });
  return (
    <>
      <p className="crumb">
        <Link to="/reservations">Reservations</Link>
      </p>
      <Heading title={instance.data === undefined ? "Instance" : `Instance ${instance.data.ordinal}`} />
      <Loaded query={instance} what="the instance">
        {(data) => <Shown instance={data} me={me} />}
      </Loaded>
    </>
  );
}

function Shown({ instance, me }: { instance: Instance; me: Me }) {
  const { id, state } = instance;
  const provider = isProvider(me);
  const reservation = useReservation(me, instance.reservation);
  const { tail = TAILS[0] } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const name = reservation.data === undefined ? instance.reservation : nameOf(reservation.data);
  return (
    <>
      <div className="chips">
        <StateChip state={state} tone={toneOf(state)} />
        <code className="fine">{id}</code>
        <span className="actions section-end">
          {instanceActions(me, instance, name).map((action) => (
            <ActionButton key={action.verb} action={action} />
          ))}
          <CopyAs
            ask={{ method: "GET", path: provider ? "/v1/system/instances/{id}" : "/v1/instances/{id}", params: { id } }}
          />
        </span>
      </div>
      <section aria-labelledby="facts-title" className="panel">
        <h2 id="facts-title">
          Of{" "}
          <Link to="/reservations/$id" params={{ id: instance.reservation }}>
            {name}
          </Link>
        </h2>
        <InstanceFacts instance={instance} />
      </section>
      {mayUse(me) ? (
        <Console
          id={id}
          provider={provider}
          tail={tail}
          over={isGone(instance)}
          onTail={(next) => void navigate({ search: { tail: next }, replace: true })}
        />
      ) : (
        <section aria-labelledby="console-title" className="panel">
          <h2 id="console-title">Console</h2>
          <p className="fine">What it says may hold secrets: your role, {words(me.role)}, does not read it.</p>
        </section>
      )}
      <AskedOf id={id} provider={provider} />
    </>
  );
}

function InstanceFacts({ instance }: { instance: Instance & Partial<ObjectOf<"/v1/system/instances/{id}">> }) {
  return (
    <Facts>
      <Fact name="Address">{instance.address ?? "none now"}</Fact>
      <Fact name="Zone">{instance.zone}</Fact>
      <Fact name="GPUs">{formatGpus(instance.gpu_milli)}</Fact>
      <Fact name={`Window (${zoneName()})`}>
        {formatInstant(instance.starts_at)} to {instance.ends_at === null ? "open" : formatInstant(instance.ends_at)}
      </Fact>
      {instance.ends_by !== null && <Fact name="Gives way by">{formatInstant(instance.ends_by)}</Fact>}
      <Fact name="Stay on a node">{instance.incarnation}</Fact>
      {instance.tenant !== undefined && <Fact name="Tenant">{instance.tenant}</Fact>}
      {instance.node != null && (
        <Fact name="Node">
          <Link to="/fleet/nodes/$id" params={{ id: instance.node }}>
            {instance.node}
          </Link>
        </Fact>
      )}
      {instance.last_error != null && <Fact name="Last error">{instance.last_error}</Fact>}
    </Facts>
  );
}
