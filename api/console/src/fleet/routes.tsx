import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root, textOf } from "../app/root";

export interface FleetSearch {
  /** Where one looks: zone/fabric/rack. */
  at?: string | undefined;
  /** What colours say: the key of a paint. */
  by?: string | undefined;
  /** The bucket of it that is singled out. */
  only?: string | undefined;
  find?: string | undefined;
  /** A node's id, or a rack's. */
  node?: string | undefined;
  sort?: string | undefined;
}

export const fleetRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/fleet",
    validateSearch: (search): FleetSearch => ({
      at: textOf(search.at),
      by: textOf(search.by),
      only: textOf(search.only),
      find: textOf(search.find),
      node: textOf(search.node),
      sort: textOf(search.sort),
    }),
    component: lazyRouteComponent(() => import("./page"), "FleetPage"),
  }),
] as const;
