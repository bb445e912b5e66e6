import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root, textOf } from "../app/root";

export interface FleetSearch {
  state?: string | undefined;
  find?: string | undefined;
  node?: string | undefined;
}

export const fleetRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/fleet",
    validateSearch: (search): FleetSearch => ({
      state: textOf(search.state),
      find: textOf(search.find),
      node: textOf(search.node),
    }),
    component: lazyRouteComponent(() => import("./page"), "FleetPage"),
  }),
] as const;
