// What can be done with a reservation, by whom and when.
import { isProvider, type Me, type Reservation } from "../api/model";
import { correctionAction } from "../billing/correction-action";
import { formatMoney, type Money } from "../format/money";
import { words } from "../format/text";
import { toInput } from "../format/zone";
import type { Action } from "../ui/action";
import type { Field } from "../ui/fields";
import { isOver } from "./states";
import { nameOf } from "./wish";

const MAY: readonly string[] = ["member", "admin", "operator", "system_admin"];
const AMENDABLE: readonly string[] = ["scheduled", "activating", "active"];
const TOUCHES = ["reservations", "nodes", "quotas", "availability"] as const;

function mayNot(me: Me): string | null {
  if (!MAY.includes(me.role)) return `your role, ${words(me.role)}, reads only`;
  return null;
}

function refusalOfEnd(me: Me, { status, cancel_requested_at }: Reservation): string | null {
  if (isOver(status.state)) return `it is ${status.state} already`;
  if (cancel_requested_at !== null) return "its end was asked for already";
  return mayNot(me);
}

function refusalOfChange(me: Me, { status, cancel_requested_at }: Reservation): string | null {
  if (me.tenant_suspended) return "the tenant is suspended";
  if (!AMENDABLE.includes(status.state)) return `only what has its place can change; it is ${words(status.state)}`;
  return cancel_requested_at === null ? mayNot(me) : "its end was asked for";
}

/** Before it begins a cancellation, from then on an early release; the policy's charge stands in `cost`. */
export function endAction(me: Me, reservation: Reservation, charge: Money | null): Action<Reservation> {
  const hasBegun = reservation.status.state === "active" || reservation.status.state === "activating";
  const name = nameOf(reservation);
  return {
    title: hasBegun ? `Release ${name} now` : `Cancel ${name}`,
    verb: hasBegun ? "Release early" : "Cancel",
    about: hasBegun
      ? "Its instances stop, and what is left of its window is given back."
      : "Its window is given back; nothing of it will start.",
    ask: {
      method: "POST",
      path: isProvider(me) ? "/v1/system/reservations/{id}/cancel" : "/v1/reservations/{id}/cancel",
      params: { id: reservation.id },
    },
    confirm: name,
    refusal: refusalOfEnd(me, reservation),
    effect: () =>
      charge === null ? "What the policy charges is not known." : `The policy charges ${formatMoney(charge)} for it.`,
    touches: TOUCHES,
  };
}

function amend(me: Me, reservation: Reservation, title: string, verb: string, fields: readonly Field[]): Action {
  return {
    title: `${title} ${nameOf(reservation)}`,
    verb,
    about: "All or nothing: if it does not fit, the reservation keeps its terms.",
    ask: {
      method: "POST",
      path: isProvider(me) ? "/v1/system/reservations/{id}/amendments" : "/v1/reservations/{id}/amendments",
      params: { id: reservation.id },
    },
    fields,
    refusal: refusalOfChange(me, reservation),
    touches: TOUCHES,
  };
}

function inputOf(instant: string | null | undefined): { initial?: string } {
  return instant == null ? {} : { initial: toInput(instant) };
}

function amendActions(me: Me, reservation: Reservation): Action[] {
  const { status } = reservation;
  const starts_at = status.starts_at ?? reservation.starts_at;
  const end: Field = {
    at: "/ends_at",
    label: "Ends",
    kind: "instant",
    nullable: true,
    note: "Emptied: until cancelled.",
    ...inputOf(status.ends_at ?? reservation.ends_at),
  };
  const move = amend(me, reservation, "Move", "Move", [
    { at: "/starts_at", label: "Starts", kind: "instant", required: true, ...inputOf(starts_at) },
    end,
  ]);
  const begun = status.state !== "scheduled" ? "its instances are being made ready, or run" : null;
  return [
    amend(me, reservation, "Extend or shorten", "Extend or shorten", [end]),
    { ...move, refusal: move.refusal ?? begun },
    amend(me, reservation, "Change the count of", "Change count", [
      { at: "/count", label: "Instances", kind: "integer", required: true, initial: String(reservation.count) },
    ]),
  ];
}

/** All that its page offers. */
export function reservationActions(me: Me, reservation: Reservation, charge: Money | null): Action<never>[] {
  const { id } = reservation;
  const correction = correctionAction(me, { id, name: nameOf(reservation) });
  return [
    ...amendActions(me, reservation),
    ...(isProvider(me) ? [correction] : []),
    endAction(me, reservation, charge),
  ] as Action<never>[];
}
