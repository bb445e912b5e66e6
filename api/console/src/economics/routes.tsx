import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, root, textOf } from "../app/root";
import { BY, RANGES, STEPS, VIEWS, type By, type Step, type View } from "./choices";

export interface EconomicsSearch {
  view?: View | undefined;
  days?: number | undefined;
  by?: By | undefined;
  step?: Step | undefined;
  find?: string | undefined;
  sort?: string | undefined;
  currency?: string | undefined;
  /** Of the payback's scenario: cohort, life in months, fall of the rent and utilisation in basis points, price. */
  cohort?: string | undefined;
  life?: number | undefined;
  fall?: number | undefined;
  use?: number | undefined;
  price?: string | undefined;
  /** Of the price floor: utilisation is `use`, the margin to reach in basis points. */
  target?: number | undefined;
}

function wholeOf(value: unknown, most: number): number | undefined {
  const number = Number(value);
  return value !== undefined && value !== "" && Number.isInteger(number) && number >= 0 && number <= most
    ? number
    : undefined;
}

export const economicsRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/economics",
    validateSearch: (search): EconomicsSearch => ({
      view: oneOf(VIEWS, search.view),
      days: RANGES.find((days) => days === Number(search.days)),
      by: oneOf(BY, search.by),
      step: oneOf(STEPS, search.step),
      find: textOf(search.find),
      sort: textOf(search.sort),
      currency: textOf(search.currency),
      cohort: textOf(search.cohort),
      life: wholeOf(search.life, 240),
      fall: wholeOf(search.fall, 9999),
      use: wholeOf(search.use, 10000),
      price: textOf(search.price),
      target: wholeOf(search.target, 9999),
    }),
    component: lazyRouteComponent(() => import("./page"), "EconomicsPage"),
  }),
] as const;
