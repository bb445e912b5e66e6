// How a wish reads.
import type { Reservation } from "../api/model";
import { formatGpus, formatInstant, words } from "../format/text";

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

type Told = Pick<Reservation, "id" | "starts_at" | "status"> & { tenant?: string | null };

/** What tells it from others of its name: "Reservation of acme, active, from 3 Jan 2026, 00:00:00, …4k2m9x". */
export function aboutReservation({ id, tenant, status, starts_at }: Told): string {
  const from = status.starts_at ?? starts_at;
  return [
    tenant == null ? "Reservation" : `Reservation of ${tenant}`,
    words(status.state),
    ...(from == null ? [] : [`from ${formatInstant(from)}`]),
    `…${id.slice(-6)}`,
  ].join(", ");
}

/** Seconds of the window that was granted, or else wished; null where it is open. */
export function windowSeconds(reservation: Reservation): number | null {
  const from = reservation.status.starts_at ?? reservation.starts_at;
  const to = reservation.status.ends_at ?? reservation.ends_at;
  return from == null || to == null ? null : (Date.parse(to) - Date.parse(from)) / 1000;
}
