import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root, textOf } from "../app/root";

export const windowStates = ["pending", "planned", "active", "done", "refused", "cancelled"] as const;
export type WindowState = (typeof windowStates)[number];

export interface MaintenanceSearch {
  state?: WindowState | undefined;
  /** The window that is open, by its id. */
  window?: string | undefined;
  /** The replacement request that is looked for, by its id. */
  replacement?: string | undefined;
}

export const maintenanceRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/maintenance",
    validateSearch: (search): MaintenanceSearch => ({
      state: windowStates.find((state) => state === search.state),
      window: textOf(search.window),
      replacement: textOf(search.replacement),
    }),
    component: lazyRouteComponent(() => import("./page"), "MaintenancePage"),
  }),
] as const;
