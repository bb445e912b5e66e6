// The form of other terms for a reservation: what they would cost and whether they would be granted shows in it, and
// nothing is asked for before it is sent.
import type { Me } from "../api/model";
import { toInput } from "../format/zone";
import { refusalFor } from "../node/actions";
import type { Action } from "../ui/action";
import type { Proposal } from "./draw";
import type { Booking } from "./rows";
import { instantOf, secondsOf } from "./scale";

export function amendAction(booking: Booking, proposal: Proposal | null, me: Me): Action {
  const ahead = booking.from_s > secondsOf(me.domain_time);
  const from_s = proposal?.from_s ?? booking.from_s;
  const to_s = proposal?.to_s ?? booking.to_s;
  const start = {
    at: "/starts_at",
    label: "From",
    kind: "instant",
    required: true,
    initial: toInput(instantOf(from_s)),
  } as const;
  const end = {
    at: "/ends_at",
    label: "Until",
    kind: "instant",
    ...(to_s === Infinity
      ? { nullable: true, note: "It has no end; give it one." }
      : { required: true, initial: toInput(instantOf(to_s)) }),
  } as const;
  return {
    touches: ["allocations", "reservations", "fleet"],
    refusal: refusalFor(me) ?? (booking.kind === "maintenance" ? "a maintenance window is planned anew instead" : null),
    title: `Other terms for ${booking.name}`,
    verb: "Ask for these terms",
    about: `On behalf of ${booking.tenant ?? "its tenant"}, all or nothing: it keeps its present terms unless these are granted.${ahead ? "" : " It has begun: its start stays."}`,
    ask: { method: "POST", path: "/v1/system/reservations/{id}/amendments", params: { id: booking.owner } },
    fields: ahead ? [start, end] : [end],
  };
}
