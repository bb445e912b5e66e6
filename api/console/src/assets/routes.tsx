import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, root, textOf } from "../app/root";
import { SECTIONS, type Section } from "./choices";

export interface AssetsSearch {
  section?: Section | undefined;
  cohort?: string | undefined;
  order?: string | undefined;
  serial?: string | undefined;
  find?: string | undefined;
  sort?: string | undefined;
}

export const assetsRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/assets",
    validateSearch: (search): AssetsSearch => ({
      section: oneOf(SECTIONS, search.section),
      cohort: textOf(search.cohort),
      order: textOf(search.order),
      serial: textOf(search.serial),
      find: textOf(search.find),
      sort: textOf(search.sort),
    }),
    component: lazyRouteComponent(() => import("./page"), "AssetsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/assets/$id",
    component: lazyRouteComponent(() => import("./asset"), "AssetPage"),
  }),
] as const;
