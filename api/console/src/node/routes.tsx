import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "../app/root";

export const nodeRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/fleet/nodes/$id",
    component: lazyRouteComponent(() => import("./page"), "NodePage"),
  }),
] as const;
