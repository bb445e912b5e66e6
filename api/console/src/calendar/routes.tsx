import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root, textOf } from "../app/root";
import { SPANS, type SpanKey } from "./scale";

export interface CalendarSearch {
  /** Where one looks: zone/fabric/rack. */
  at?: string | undefined;
  /** First day, YYYY-MM-DD; without it, today. */
  from?: string | undefined;
  span?: SpanKey | undefined;
  /** The reservation or maintenance window that is singled out, by its id. */
  pick?: string | undefined;
}

const DAY = /^\d{4}-\d\d-\d\d$/;

export const calendarRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/calendar",
    validateSearch: (search): CalendarSearch => ({
      at: textOf(search.at),
      from: DAY.test(textOf(search.from) ?? "") ? textOf(search.from) : undefined,
      span: SPANS.find((span) => span.key === search.span)?.key,
      pick: textOf(search.pick),
    }),
    component: lazyRouteComponent(() => import("./page"), "CalendarPage"),
  }),
] as const;
