import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, root, textOf } from "../app/root";
import { SPANS } from "./spans";

export interface AuditSearch {
  span?: (typeof SPANS)[number] | undefined;
  tenant?: string | undefined;
  result?: string | undefined;
  object?: string | undefined;
  principal?: string | undefined;
  find?: string | undefined;
  row?: string | undefined;
}

export const auditRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/audit",
    validateSearch: (search): AuditSearch => ({
      span: oneOf(SPANS, search.span),
      tenant: textOf(search.tenant),
      result: textOf(search.result),
      object: textOf(search.object),
      principal: textOf(search.principal),
      find: textOf(search.find),
      row: textOf(search.row),
    }),
    component: lazyRouteComponent(() => import("./page"), "AuditPage"),
  }),
] as const;
