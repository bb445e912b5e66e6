// What may need a hand: what it is called, how grave it is, and where it is mended.
import type { Attention } from "../api/model";
import type { Tone } from "../ui/state-chip";

export interface Concern {
  name: string;
  tone: Tone;
  /** Within the console. */
  to: string;
}

const CONCERNS: Readonly<Record<string, Concern>> = {
  reservations_stuck: { name: "Reservations past their deadline", tone: "bad", to: "/reservations" },
  reservations_degraded: {
    name: "Reservations with fewer healthy instances than granted",
    tone: "bad",
    to: "/reservations?state=active",
  },
  reservations_waitlisted: {
    name: "Reservations that wait for capacity",
    tone: "wait",
    to: "/reservations?state=waitlisted",
  },
  nodes_stuck: { name: "Nodes past their deadline", tone: "bad", to: "/fleet" },
  nodes_failing: { name: "Nodes whose last step failed", tone: "warn", to: "/fleet" },
  nodes_quarantined: { name: "Nodes in quarantine", tone: "bad", to: "/fleet?state=quarantined" },
  nodes_in_repair: { name: "Nodes in repair", tone: "warn", to: "/fleet?state=repair" },
  zones_paused: { name: "Zones that operators have paused", tone: "bad", to: "/system" },
  leases_expired: { name: "Parts of the work without a leader", tone: "bad", to: "/system" },
  webhooks_failing: { name: "Webhooks that fail", tone: "warn", to: "/system?tab=webhooks" },
  usage_unpriced: { name: "Usage that could not be priced", tone: "warn", to: "/billing?section=prices" },
  periods_parked: { name: "Months that could not be invoiced", tone: "bad", to: "/billing?section=close" },
};

const GRAVITY: readonly Tone[] = ["bad", "warn", "busy", "wait"];

/** A kind that this console does not know yet is shown by its own name. */
export function concernOf(kind: string): Concern {
  return CONCERNS[kind] ?? { name: kind.replaceAll("_", " "), tone: "warn", to: "/overview" };
}

/** What there is of it, the gravest first. */
export function pressing(all: readonly Attention[]): Attention[] {
  const rank = (one: Attention): number => GRAVITY.indexOf(concernOf(one.kind).tone);
  return all.filter((one) => one.count > 0).sort((a, b) => rank(a) - rank(b) || b.count - a.count);
}
