// One reservation: how far it is, what was wished and what is, where, at what cost; and what can be done with it.
import { Link, useParams } from "@tanstack/react-router";
import { useObject } from "../api/lists";
import { isProvider, type Me, type Reservation } from "../api/model";
import { useReservation } from "../api/queries";
import { usePrincipal } from "../app/principal";
import { formatInstant } from "../format/text";
import { ActionButton } from "../ui/action";
import { CopyAs } from "../ui/copy-as";
import { Heading } from "../ui/heading";
import { StateChip } from "../ui/state-chip";
import { Loaded } from "../ui/states";
import { reservationActions } from "./actions";
import { Cost } from "./money";
import { Amendments, Events, Instances } from "./parts";
import { Placement } from "./placement-map";
import type { WishBody } from "./refusal";
import { Refusal } from "./refused";
import { toneOf } from "./states";
import { stationsOf } from "./timeline";
import { nameOf } from "./wish";
import { Wished } from "./wished";
import "./reservations.css";

export function ReservationPage() {
  const me = usePrincipal();
  const { id } = useParams({ from: "/reservations/$id" });
  const reservation = useReservation(me, id);
  return (
    <>
      <p className="crumb">
        <Link to="/reservations">Reservations</Link>
      </p>
      <Heading title={reservation.data === undefined ? "Reservation" : nameOf(reservation.data)} />
      <Loaded query={reservation} what="the reservation">
        {(data) => <Reserved reservation={data} me={me} />}
      </Loaded>
    </>
  );
}

function Reserved({ reservation, me }: { reservation: Reservation; me: Me }) {
  const { status, id } = reservation;
  const provider = isProvider(me);
  return (
    <>
      <div className="chips">
        <StateChip state={status.state} tone={toneOf(status.state)} />
        {status.health != null && status.state === "active" && (
          <StateChip state={`health ${status.health}`} tone={toneOf(status.health)} />
        )}
        <code className="fine">{id}</code>
        <Actions reservation={reservation} me={me} />
      </div>
      <Stations reservation={reservation} />
      {status.binding != null && (
        <section className="panel" aria-labelledby="refused-title">
          <h2 id="refused-title">Why it was refused</h2>
          <Refusal
            binding={status.binding}
            alternatives={status.alternatives}
            wish={reservation as WishBody}
            refusal={provider ? "it is the tenant's to ask for" : null}
          />
        </section>
      )}
      <div className="halves">
        <Wished reservation={reservation} />
        <Cost id={id} provider={provider} />
      </div>
      {provider && <Placement id={id} />}
      <Instances id={id} provider={provider} />
      <Amendments id={id} provider={provider} />
      <Events id={id} provider={provider} />
    </>
  );
}

function Actions({ reservation, me }: { reservation: Reservation; me: Me }) {
  const provider = isProvider(me);
  const { id } = reservation;
  const cost = useObject("reservations", {
    path: provider ? "/v1/system/reservations/{id}/cost" : "/v1/reservations/{id}/cost",
    params: { id },
  });
  return (
    <span className="actions detail-actions">
      {reservationActions(me, reservation, cost.data?.cancelling_now ?? null).map((action) => (
        <ActionButton key={action.verb} action={action} />
      ))}
      <CopyAs
        ask={{
          method: "GET",
          path: provider ? "/v1/system/reservations/{id}" : "/v1/reservations/{id}",
          params: { id },
        }}
      />
    </span>
  );
}

function Stations({ reservation }: { reservation: Reservation }) {
  return (
    <ol className="stations" aria-label="How far it is">
      {stationsOf(reservation).map((station) => (
        <li
          key={station.name}
          className={`station-${station.state}`}
          aria-current={station.state === "now" ? "step" : undefined}
        >
          <b>{station.name}</b>
          <time dateTime={station.at ?? undefined}>{formatInstant(station.at)}</time>
        </li>
      ))}
    </ol>
  );
}
