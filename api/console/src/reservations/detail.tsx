// One reservation: what was wished, what was found, what runs, what happened.
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Me, Reservation } from "../api/model";
import { useEvents, useReservation } from "../api/queries";
import { usePrincipal } from "../app/principal";
import { countOf, formatInstant, formatSpan, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Heading } from "../ui/heading";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { toneOf } from "./states";
import { nameOf, whatOf, windowSeconds } from "./wish";
import "./reservations.css";

const INSTANCES_SHOWN_MAX = 500;

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
  const { status } = reservation;
  return (
    <>
      <p className="chips">
        <StateChip state={status.state ?? "pending"} tone={toneOf(status.state)} />
        {status.health != null && status.state === "active" && (
          <StateChip state={`health ${status.health}`} tone={toneOf(status.health)} />
        )}
        <code className="fine">{reservation.id}</code>
      </p>
      <div className="halves">
        <Wished reservation={reservation} />
        <Verdict reservation={reservation} />
      </div>
      <Instances reservation={reservation} />
      <Events me={me} id={reservation.id} />
    </>
  );
}

function Wished({ reservation }: { reservation: Reservation }) {
  return (
    <section className="panel" aria-labelledby="wished-title">
      <h2 id="wished-title">Wished</h2>
      <dl className="facts">
        {reservation.tenant != null && <Fact name="Tenant">{reservation.tenant}</Fact>}
        <Fact name="What">
          {reservation.count} × {whatOf(reservation)}
        </Fact>
        <Fact name="Where">{reservation.zone}</Fact>
        <Fact name="From">
          {formatInstant(reservation.starts_at)} {zoneName()}
        </Fact>
        <Fact name="Until">
          {reservation.ends_at == null ? "until cancelled" : `${formatInstant(reservation.ends_at)} {zoneName()}`}
        </Fact>
        <Fact name="Tier">{words(reservation.tier)}</Fact>
        <Fact name="If unavailable">{words(reservation.if_unavailable)}</Fact>
        <Fact name="Made">
          {formatInstant(reservation.created_at)} {zoneName()}
        </Fact>
      </dl>
    </section>
  );
}

function Verdict({ reservation }: { reservation: Reservation }) {
  const { status } = reservation;
  const seconds = windowSeconds(reservation);
  const refused = status.binding != null;
  return (
    <section className="panel" aria-labelledby="verdict-title">
      <h2 id="verdict-title">Verdict</h2>
      <dl className="facts">
        <Fact name="Decided">
          {status.decided_at == null ? "not yet" : `${formatInstant(status.decided_at)} {zoneName()}`}
        </Fact>
        {status.starts_at != null && (
          <Fact name="Granted">
            {formatInstant(status.starts_at)} to {formatInstant(status.ends_at)}
            {seconds !== null && <small> {formatSpan(seconds)}</small>}
          </Fact>
        )}
        <Fact name="Delivered">
          {status.delivered_count ?? 0} of {reservation.count}
        </Fact>
        {status.reason != null && <Fact name="Reason">{words(status.reason)}</Fact>}
        {refused && (
          <Fact name="What bound">
            <Pairs value={status.binding} />
          </Fact>
        )}
      </dl>
      {Array.isArray(status.alternatives) && status.alternatives.length > 0 && (
        <Alternatives bodies={status.alternatives} />
      )}
    </section>
  );
}

function Alternatives({ bodies }: { bodies: readonly unknown[] }) {
  return (
    <>
      <h3>What would have fitted</h3>
      <ol className="alternatives">
        {bodies.map((body, index) => (
          <li key={index}>
            <Pairs value={body} />
          </li>
        ))}
      </ol>
    </>
  );
}

/** The members of a JSON object, one beside the other. */
function Pairs({ value }: { value: unknown }) {
  if (typeof value !== "object" || value === null) return <>{String(value)}</>;
  return (
    <span className="pairs">
      {Object.entries(value).map(([key, member]) => (
        <span key={key}>
          <i>{words(key)}</i> {typeof member === "string" ? words(member) : JSON.stringify(member)}
        </span>
      ))}
    </span>
  );
}

function Instances({ reservation }: { reservation: Reservation }) {
  const instances = reservation.instances ?? [];
  return (
    <section aria-labelledby="instances-title">
      <div className="section-top">
        <h2 id="instances-title">Instances</h2>
        <span className="fine">{countOf(instances.length, "instance")}</span>
      </div>
      {instances.length === 0 ? (
        <Empty title="No instances">They are made when the window comes near.</Empty>
      ) : (
        <div className="table-box" tabIndex={0} role="group" aria-label="Instances">
          <table>
            <thead>
              <tr>
                <th scope="col">#</th>
                <th scope="col">State</th>
                <th scope="col">Address</th>
                <th scope="col">Id</th>
              </tr>
            </thead>
            <tbody>
              {instances.slice(0, INSTANCES_SHOWN_MAX).map((instance) => (
                <tr key={instance.id}>
                  <td>{instance.ordinal}</td>
                  <td>
                    <StateChip state={instance.state} tone={toneOf(instance.state)} />
                  </td>
                  <td>{instance.address ?? "\u2013"}</td>
                  <td>
                    <code>{instance.id}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {instances.length > INSTANCES_SHOWN_MAX && <p className="fine">The first {INSTANCES_SHOWN_MAX} are shown.</p>}
        </div>
      )}
    </section>
  );
}

function Events({ me, id }: { me: Me; id: string }) {
  const events = useEvents(me, id);
  return (
    <section aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      <Loaded query={events} what="events">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No events" />
          ) : (
            <ol className="events">
              {items.map((event, index) => (
                <li key={index}>
                  <time dateTime={event.occurred_at}>{formatInstant(event.occurred_at)}</time>
                  <span>{words(event.kind.replace(".", " "))}</span>
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
