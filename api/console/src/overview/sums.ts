// The fleet in four figures, from its parts.
import type { Governance } from "../api/model";

export interface Sums {
  nodes: number;
  delivered: number;
  healthy: number;
  reservedMilli: number;
  inUseMilli: number;
}

export function sumsOf(parts: readonly Governance[]): Sums {
  const sum = (of: (part: Governance) => number): number => parts.reduce((total, part) => total + of(part), 0);
  return {
    nodes: sum((part) => part.nodes),
    delivered: sum((part) => part.gpus_delivered),
    healthy: sum((part) => part.gpus_healthy),
    reservedMilli: sum((part) => part.gpu_milli_reserved),
    inUseMilli: sum((part) => part.gpu_milli_in_use),
  };
}

/** "63.4 %" of GPUs; a dash where there are none. */
export function shareOf(milli: number, gpus: number): string {
  return gpus === 0 ? "\u2013" : `${(milli / 10 / gpus).toFixed(1)}\u202f%`;
}
