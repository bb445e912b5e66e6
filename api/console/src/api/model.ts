// Names for the shapes of the OpenAPI document that pages speak of. Derived from paths, never written by hand.
import type { paths } from "./schema";

type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": infer T } } } };
}
  ? T
  : never;
type Item<P extends keyof paths> = Answer<P> extends { items: (infer T)[] } ? T : never;

export type Me = Answer<"/v1/me">;
export type Node = Item<"/v1/system/nodes">;
export type FleetRack = Item<"/v1/system/fleet">;
export type Fabric = Item<"/v1/system/fabrics">;
export type NodeHealth = Item<"/v1/system/node-health">;
export type Gpu = Item<"/v1/system/gpus">;
export type GpuError = Item<"/v1/system/gpu-errors">;
export type Capacity = Item<"/v1/system/capacity">;
export type Allocation = Item<"/v1/system/allocations">;
export type MaintenanceWindow = Item<"/v1/system/maintenance-windows">;
export type Asset = Item<"/v1/system/assets">;
export type Zone = Item<"/v1/zones">;
export type Reservation = Answer<"/v1/system/reservations/{id}">;
export type Invoice = Item<"/v1/invoices">;
export type Margin = Answer<"/v1/system/margin">;
export type MarginBy = "day" | "tenant" | "instance_type" | "cohort" | "node" | "rack";
export type Event = Item<"/v1/events">;
export type Session = Item<"/v1/sessions">;
export type Governance = Item<"/v1/system/governance">;
export type Attention = Item<"/v1/system/attention">;
export type Queue = Item<"/v1/system/queues">;
export type Reconciler = Item<"/v1/system/reconciler">;
export type Leader = Item<"/v1/system/leaders">;
export type Partition = Item<"/v1/system/partitions">;
export type AuditRow = Item<"/v1/system/audit">;
export type Tenant = Item<"/v1/system/tenants">;
export type Token = Item<"/v1/system/tokens">;

const PROVIDER_ROLES: readonly string[] = ["operator", "finance", "auditor", "system_admin"];

/** Does this principal belong to the provider (and so look at all tenants)? */
export function isProvider(me: Me): boolean {
  return PROVIDER_ROLES.includes(me.role);
}
