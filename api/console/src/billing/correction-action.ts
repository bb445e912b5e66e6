// Usage that was metered wrongly, put right: what is billed besides, or taken back, for a span that is past.
import type { Me } from "../api/model";
import type { Action } from "../ui/action";
import { refusalFor } from "./shared";

const MILLI = 1000;

/** "-8" GPUs are -8000 thousandths; what is no number stays a text: the API says what is wrong. */
function milliOf(text: string): unknown {
  return /^-?\d{1,6}(\.\d{1,3})?$/.test(text) ? Math.round(Number(text) * MILLI) : text;
}

/** Of this reservation, or of one to be named. */
export function correctionAction(me: Me, reservation?: { id: string; name: string }): Action<never> {
  return {
    title: reservation === undefined ? "Correct usage" : `Correct the usage of ${reservation.name}`,
    verb: "Correct usage",
    about:
      "Rated at the prices of its span, with the day on which it is entered; where that month is closed, it stands on the next invoice as a correction.",
    ask: { method: "POST", path: "/v1/system/usage-corrections" },
    ...(reservation !== undefined && { fixed: { reservation: reservation.id } }),
    fields: [
      ...(reservation === undefined
        ? [
            {
              at: "/reservation",
              label: "Reservation",
              kind: "text",
              required: true,
              placeholder: "rsv_…",
              note: "Its id.",
            } as const,
          ]
        : []),
      { at: "/starts_at", label: "From", kind: "instant", required: true },
      { at: "/ends_at", label: "Until", kind: "instant", required: true, note: "At most 31 days later, and past." },
      {
        at: "/gpu_milli",
        label: "GPUs",
        kind: "decimal",
        required: true,
        note: "How many more are billed throughout; with a minus, taken back: -8.",
        parse: milliOf,
      },
      { at: "/gpu_model", label: "GPU model", kind: "text", note: "Only for a reservation with a shape of its own." },
      { at: "/reason", label: "Reason", kind: "text", required: true, placeholder: "outage INC-7" },
    ],
    refusal: refusalFor(me),
    touches: ["usage", "invoices", "margin"],
  };
}
