import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { DAYS } from "../app/ranges";
import { root } from "../app/root";

export const economicsRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/economics",
    validateSearch: (search): { days?: number | undefined } => ({
      days: DAYS.find((days) => days === Number(search.days)),
    }),
    component: lazyRouteComponent(() => import("./page"), "EconomicsPage"),
  }),
] as const;
