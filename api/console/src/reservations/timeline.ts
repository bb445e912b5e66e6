// The stations of a reservation's life, and how far it has come.
import type { Reservation } from "../api/model";

export interface Station {
  name: string;
  at: string | null;
  state: "done" | "now" | "ahead" | "failed";
}

type Moment = Omit<Station, "state"> & { order: number };

/** After how many stations (asked, decided, started, ended) each state is. */
const REACHED: Readonly<Record<string, number>> = {
  pending: 1,
  waitlisted: 1,
  held: 2,
  scheduled: 2,
  activating: 2,
  active: 3,
  ending: 3,
  ended: 4,
};
const FAILURES: Readonly<Record<string, string>> = {
  rejected: "Refused",
  expired: "Expired",
  cancelled: "Cancelled",
};

function endOf({ status, ends_at, cancel_requested_at }: Reservation, failure: string | undefined): Moment {
  if (failure !== undefined)
    return { name: failure, at: failure === "Cancelled" ? cancel_requested_at : status.decided_at, order: 4 };
  const at = status.ends_at ?? ends_at;
  return { name: at === null ? "Open end" : "Ends", at, order: 4 };
}

export function stationsOf(reservation: Reservation): Station[] {
  const { status } = reservation;
  const failure = FAILURES[status.state];
  const began = failure === undefined || (status.state === "cancelled" && status.starts_at !== null);
  const moments: Moment[] = [
    { name: "Asked for", at: reservation.created_at, order: 1 },
    { name: status.decided_at === null ? "Decision" : "Decided", at: status.decided_at, order: 2 },
    ...(began ? [{ name: "Starts", at: status.starts_at ?? reservation.starts_at, order: 3 }] : []),
    endOf(reservation, failure),
  ].filter((moment) => failure !== "Refused" || moment.name !== "Decided");
  const reached = failure === undefined ? (REACHED[status.state] ?? 1) : 4;
  return moments.map(({ name, at, order }) => ({ name, at, state: stateOf(order, reached, failure) }));
}

function stateOf(order: number, reached: number, failure: string | undefined): Station["state"] {
  if (failure !== undefined) return order === 4 ? "failed" : "done";
  if (order < reached || (order === 4 && reached === 4)) return "done";
  return order === reached ? "now" : "ahead";
}
