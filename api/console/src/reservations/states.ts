import type { Tone } from "../ui/state-chip";

export const reservationStates = [
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

const TONES: Readonly<Record<string, Tone>> = {
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
  replacing: "warn",
  failed: "bad",
  // Of health:
  ok: "good",
  degraded: "warn",
  short: "bad",
};

export function toneOf(state: string | null | undefined): Tone {
  return TONES[state ?? ""] ?? "done";
}
