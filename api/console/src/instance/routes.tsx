import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "../app/root";
import { countIn } from "../app/search";

export const instanceRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/reservations/instances/$id",
    validateSearch: (search): { tail?: number | undefined } => ({ tail: countIn(search.tail, 1, 10_000) }),
    component: lazyRouteComponent(() => import("./page"), "InstancePage"),
  }),
] as const;
