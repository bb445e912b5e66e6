import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, root, textOf } from "../app/root";
import { reservationStates } from "./states";

export interface ReservationsSearch {
  state?: (typeof reservationStates)[number] | undefined;
  find?: string | undefined;
}

export const reservationsRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/reservations",
    validateSearch: (search): ReservationsSearch => ({
      state: oneOf(reservationStates, search.state),
      find: textOf(search.find),
    }),
    component: lazyRouteComponent(() => import("./page"), "ReservationsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/reservations/$id",
    component: lazyRouteComponent(() => import("./detail"), "ReservationPage"),
  }),
] as const;
