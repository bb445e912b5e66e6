// The emergency stop of a zone as actions, and how a zone's reconciler fares in words.
import type { Me, Reconciler } from "../api/model";
import { countOf, formatCount, formatSpan, words } from "../format/text";
import { toInput } from "../format/zone";
import { refusalFor } from "../node/actions";
import type { Action } from "../ui/action";

const TOUCHES = ["reconciler", "overview"] as const;
const HOUR_MS = 3_600_000;

/** A zone that is paused can be resumed, or paused for longer; the API takes both. */
export function pauseAction(zone: Reconciler, me: Me): Action<Reconciler> {
  const inAnHour = toInput(new Date(Date.parse(me.domain_time) + HOUR_MS).toISOString());
  return {
    touches: TOUCHES,
    refusal: refusalFor(me),
    title: `Pause ${zone.zone}`,
    verb: zone.paused ? "Prolong" : "Pause",
    about:
      "Nothing is ordered of its nodes any more: nothing starts, stops, is replaced or wiped. Wishes are decided, windows end; what falls due waits until the pause is over.",
    ask: { method: "POST", path: "/v1/system/reconciler/{id}/pause", params: { id: zone.id } },
    fields: [
      {
        at: "/reason",
        label: "Reason",
        kind: "text",
        required: true,
        note: "Everybody who looks at the fleet reads this.",
        ...(zone.pause !== undefined && { initial: zone.pause.reason }),
      },
      { at: "/until", label: "Until", kind: "instant", required: true, initial: inAnHour, note: "24 hours at most." },
    ],
  };
}

export function resumeAction(zone: Reconciler, me: Me): Action<Reconciler> {
  return {
    touches: TOUCHES,
    refusal: refusalFor(me),
    title: `Resume ${zone.zone}`,
    verb: "Resume",
    about: `What waited is done now: ${driftOf(zone)}.`,
    ask: { method: "POST", path: "/v1/system/reconciler/{id}/resume", params: { id: zone.id } },
  };
}

/** "instances to stop: 2, nodes silent: 1" */
export function driftOf(zone: Pick<Reconciler, "drift">): string {
  const some = zone.drift.filter(({ count }) => count > 0);
  return some.length === 0
    ? "nothing"
    : some.map(({ kind, count }) => `${words(kind)}: ${formatCount(count)}`).join(", ");
}

export function lagOf({ lag }: Pick<Reconciler, "lag">): string {
  const late = Math.max(lag.events_s, lag.undecided_s, lag.due_s, lag.deadline_s);
  if (late === 0 && lag.events === 0) return "none";
  return `${countOf(lag.events, "event")} unread, ${formatSpan(late)} late`;
}
