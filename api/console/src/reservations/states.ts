import type { Tone } from "../ui/state-chip";

export const reservationStates = [
  "pending",
  "waitlisted",
  "scheduled",
  "activating",
  "active",
  "ending",
  "ended",
  "rejected",
  "cancelled",
  "expired",
] as const;

const OVER: readonly string[] = ["ended", "rejected", "cancelled", "expired"];

/** Nothing comes of it any more. */
export function isOver(state: string): boolean {
  return OVER.includes(state);
}

export const tiers = ["reserved", "on_demand", "preemptible"] as const;

const TONES: Readonly<Record<string, Tone>> = {
  pending: "wait",
  held: "wait",
  confirmed: "good",
  waitlisted: "wait",
  scheduled: "wait",
  activating: "busy",
  active: "good",
  ending: "busy",
  ended: "done",
  rejected: "bad",
  cancelled: "done",
  expired: "done",
  // Of instances:
  planned: "wait",
  provisioning: "busy",
  running: "good",
  stopping: "busy",
  halting: "busy",
  starting: "busy",
  replacing: "warn",
  failed: "bad",
  // Of amendments:
  requested: "wait",
  granted: "good",
  refused: "bad",
  // Of health:
  ok: "good",
  degraded: "warn",
  short: "bad",
};

export function toneOf(state: string | null | undefined): Tone {
  return TONES[state ?? ""] ?? "done";
}
