// Where the console shows an object, by the first letters of its id.

interface Kind {
  hint: string;
  to: (id: string) => string;
}

const KINDS: Readonly<Record<string, Kind>> = {
  rsv_: { hint: "Reservation", to: (id) => `/reservations/${id}` },
  ins_: { hint: "Instance", to: (id) => `/reservations/instances/${id}` },
  nod_: { hint: "Node", to: (id) => `/fleet/nodes/${id}` },
  rpl_: { hint: "Replacement request", to: (id) => `/maintenance?replacement=${id}` },
};

export interface Place {
  hint: string;
  to: string;
}

/** Null: it is no id, or of what has no page of its own. */
export function placeOf(id: string): Place | null {
  const kind = /^[a-z]{3}_[0-9a-z]{26}$/.test(id) ? KINDS[id.slice(0, 4)] : undefined;
  return kind === undefined ? null : { hint: kind.hint, to: kind.to(id) };
}
