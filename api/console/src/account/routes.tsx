import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "../app/root";

export const accountRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/account",
    component: lazyRouteComponent(() => import("./page"), "AccountPage"),
  }),
] as const;
