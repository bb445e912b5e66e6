import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "../app/root";

export const overviewRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/overview",
    component: lazyRouteComponent(() => import("./page"), "OverviewPage"),
  }),
] as const;
