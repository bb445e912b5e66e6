import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { oneOf, root, textOf } from "../app/root";
import { INVOICE_STATUSES, SECTIONS, STATEMENTS, type InvoiceStatus, type Section, type Statement } from "./choices";

export interface BillingSearch {
  section?: Section | undefined;
  tenant?: string | undefined;
  status?: InvoiceStatus | undefined;
  find?: string | undefined;
  sort?: string | undefined;
  /** What is open beside the list: a tenant, a commitment, a price list. */
  open?: string | undefined;
  month?: string | undefined;
  statement?: Statement | undefined;
}

export const billingRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/billing",
    validateSearch: (search): BillingSearch => ({
      section: oneOf(SECTIONS, search.section),
      tenant: textOf(search.tenant),
      status: oneOf(INVOICE_STATUSES, search.status),
      find: textOf(search.find),
      sort: textOf(search.sort),
      open: textOf(search.open),
      month: textOf(search.month),
      statement: oneOf(STATEMENTS, search.statement),
    }),
    component: lazyRouteComponent(() => import("./page"), "BillingPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/billing/invoices/$id",
    validateSearch: (search): { line?: number | undefined } => {
      const line = Number(search.line);
      return { line: Number.isInteger(line) && line > 0 ? line : undefined };
    },
    component: lazyRouteComponent(() => import("./invoice"), "InvoicePage"),
  }),
] as const;
