import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "../app/root";
import { searchOf } from "./filters";

export const reservationsRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/reservations",
    validateSearch: searchOf,
    component: lazyRouteComponent(() => import("./page"), "ReservationsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/reservations/$id",
    component: lazyRouteComponent(() => import("./detail"), "ReservationPage"),
  }),
] as const;
