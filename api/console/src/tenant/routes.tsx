import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "../app/root";
import { countIn, oneOf, textOf } from "../app/search";
import { DAYS, SUMS, TABS } from "./searches";

export const tenantRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/availability",
    validateSearch: (search): { zone?: string | undefined; type?: string | undefined; count?: number | undefined } => ({
      zone: textOf(search.zone),
      type: textOf(search.type),
      count: countIn(search.count, 1, 100_000),
    }),
    component: lazyRouteComponent(() => import("./availability"), "AvailabilityPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/quotes",
    validateSearch: (search): { quote?: string | undefined } => ({ quote: textOf(search.quote) }),
    component: lazyRouteComponent(() => import("./quotes"), "QuotesPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/usage",
    validateSearch: (search): { by?: (typeof SUMS)[number] | undefined; days?: number | undefined } => ({
      by: oneOf(SUMS, search.by),
      days: DAYS.find((days) => days === Number(search.days)),
    }),
    component: lazyRouteComponent(() => import("./usage"), "UsagePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/invoices",
    component: lazyRouteComponent(() => import("./invoices"), "InvoicesPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/invoices/$id",
    validateSearch: (search): { line?: number | undefined } => ({ line: countIn(search.line, 1, 999_999_999) }),
    component: lazyRouteComponent(() => import("./invoice"), "InvoicePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/credit",
    component: lazyRouteComponent(() => import("./credit"), "CreditPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/access",
    validateSearch: (search): { tab?: (typeof TABS)[number] | undefined } => ({ tab: oneOf(TABS, search.tab) }),
    component: lazyRouteComponent(() => import("./access"), "AccessPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/webhooks",
    component: lazyRouteComponent(() => import("../webhooks/list"), "WebhooksPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/webhooks/$id",
    component: lazyRouteComponent(() => import("../webhooks/one"), "WebhookPage"),
  }),
] as const;
