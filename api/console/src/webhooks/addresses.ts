// A tenant's webhooks and the provider's are the same things at other addresses, changed by other roles.
import type { ItemOf } from "../api/lists";
import { ADMINS } from "../tenant/may";

export type Webhook = ItemOf<"/v1/webhooks">;
export type WebhookHealth = ItemOf<"/v1/system/webhook-health">;
export type Delivery = ItemOf<"/v1/webhooks/{id}/deliveries">;

export const OF_TENANT = {
  list: "/v1/webhooks",
  one: "/v1/webhooks/{id}",
  ping: "/v1/webhooks/{id}/ping",
  rotate: "/v1/webhooks/{id}/rotate-secret",
  deliveries: "/v1/webhooks/{id}/deliveries",
  redeliver: "/v1/webhooks/{id}/deliveries/{delivery}/redeliver",
  writers: ADMINS,
} as const;

export const OF_PROVIDER = {
  list: "/v1/system/webhooks",
  one: "/v1/system/webhooks/{id}",
  ping: "/v1/system/webhooks/{id}/ping",
  rotate: "/v1/system/webhooks/{id}/rotate-secret",
  deliveries: "/v1/system/webhooks/{id}/deliveries",
  redeliver: "/v1/system/webhooks/{id}/deliveries/{delivery}/redeliver",
  writers: ["operator", "system_admin"],
} as const;

export type Addresses = typeof OF_TENANT | typeof OF_PROVIDER;

/** How a webhook fares is no event: the one that is looked at is asked soon, all of them now and then. */
export const FARES_EVERY_MS = 3_000;
export const ALL_FARE_EVERY_MS = 15_000;
