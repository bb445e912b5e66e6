// How a wish reads.
import type { Reservation } from "../api/model";
import { formatGpus } from "../format/text";

/** "h100.8x", or the shape itself: "0.47 GPU of H100". */
export function whatOf(reservation: Reservation): string {
  if (reservation.instance_type != null) return reservation.instance_type;
  const shape = reservation.shape;
  if (shape == null) return "\u2013";
  const models = shape.gpu_models?.join(" or ");
  const gpus = shape.gpus != null && shape.gpus > 0 ? String(shape.gpus) : formatGpus(shape.gpu_milli ?? 0);
  return `${gpus}\u202fGPU${models === undefined || models === "" ? "" : ` of ${models}`}`;
}

export function nameOf(reservation: Reservation): string {
  return reservation.name ?? reservation.id;
}

/** Seconds of the window that was granted, or else wished; null where it is open. */
export function windowSeconds(reservation: Reservation): number | null {
  const from = reservation.status.starts_at ?? reservation.starts_at;
  const to = reservation.status.ends_at ?? reservation.ends_at;
  return from == null || to == null ? null : (Date.parse(to) - Date.parse(from)) / 1000;
}
