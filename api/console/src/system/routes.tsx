import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, root, textOf } from "../app/root";

export const SYSTEM_TABS = ["work", "database", "tenants", "people", "webhooks"] as const;

export interface SystemSearch {
  tab?: (typeof SYSTEM_TABS)[number] | undefined;
  tenant?: string | undefined;
  find?: string | undefined;
  sort?: string | undefined;
  /** Of the service accounts, which stand below the members. */
  account_find?: string | undefined;
  account_sort?: string | undefined;
}

export const systemRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/system",
    validateSearch: (search): SystemSearch => ({
      tab: oneOf(SYSTEM_TABS, search.tab),
      tenant: textOf(search.tenant),
      find: textOf(search.find),
      sort: textOf(search.sort),
      account_find: textOf(search.account_find),
      account_sort: textOf(search.account_sort),
    }),
    component: lazyRouteComponent(() => import("./page"), "SystemPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/system/webhooks/$id",
    component: lazyRouteComponent(() => import("../webhooks/one"), "SystemWebhookPage"),
  }),
] as const;
