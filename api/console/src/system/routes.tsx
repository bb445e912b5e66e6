import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, root, textOf } from "../app/root";

export const SYSTEM_TABS = ["work", "database", "tenants"] as const;

export interface SystemSearch {
  tab?: (typeof SYSTEM_TABS)[number] | undefined;
  tenant?: string | undefined;
}

export const systemRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/system",
    validateSearch: (search): SystemSearch => ({
      tab: oneOf(SYSTEM_TABS, search.tab),
      tenant: textOf(search.tenant),
    }),
    component: lazyRouteComponent(() => import("./page"), "SystemPage"),
  }),
] as const;
