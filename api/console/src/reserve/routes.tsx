import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "../app/root";
import { draftOf } from "./draft";

export const reserveRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/reserve",
    validateSearch: draftOf,
    component: lazyRouteComponent(() => import("./page"), "ReservePage"),
  }),
] as const;
