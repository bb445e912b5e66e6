// The pages of the console, in one table: navigation, palette and the keys after `g` come from it. A page stands here
// once its view can be opened.
import type { Me } from "../api/model";
import { isProvider } from "../api/model";

export interface PageEntry {
  path: string;
  name: string;
  /** The letter after g. */
  key: string;
  /** Whose page it is: the API gives the other nothing of it. */
  audience: "provider" | "tenant" | "everyone";
  /** The group within the navigation. */
  group: "run" | "sell" | "govern";
  /** Where not all roles of the audience may read what it shows. */
  roles?: readonly string[];
}

export const PAGES = [
  { path: "/overview", name: "Overview", key: "o", audience: "provider", group: "run" },
  { path: "/fleet", name: "Fleet", key: "f", audience: "provider", group: "run" },
  { path: "/calendar", name: "Calendar", key: "c", audience: "provider", group: "run" },
  { path: "/maintenance", name: "Maintenance", key: "m", audience: "provider", group: "run" },
  { path: "/reservations", name: "Reservations", key: "r", audience: "everyone", group: "run" },
  {
    path: "/reserve",
    name: "Reserve",
    key: "n",
    audience: "tenant",
    group: "run",
    roles: ["viewer", "member", "admin"],
  },
  { path: "/availability", name: "Availability", key: "v", audience: "tenant", group: "run" },
  { path: "/quotes", name: "Quotes", key: "q", audience: "tenant", group: "run", roles: ["viewer", "member", "admin"] },
  { path: "/usage", name: "Usage", key: "u", audience: "tenant", group: "sell" },
  { path: "/invoices", name: "Invoices", key: "i", audience: "tenant", group: "sell" },
  { path: "/credit", name: "Credit", key: "c", audience: "tenant", group: "sell" },
  { path: "/access", name: "Access", key: "a", audience: "tenant", group: "govern" },
  {
    path: "/webhooks",
    name: "Webhooks",
    key: "w",
    audience: "tenant",
    group: "govern",
    roles: ["viewer", "member", "admin"],
  },
  { path: "/economics", name: "Economics", key: "e", audience: "provider", group: "sell" },
  { path: "/billing", name: "Billing", key: "b", audience: "provider", group: "sell" },
  { path: "/assets", name: "Assets", key: "h", audience: "provider", group: "sell" },
  {
    path: "/audit",
    name: "Audit",
    key: "a",
    audience: "provider",
    group: "govern",
    roles: ["auditor", "system_admin"],
  },
  { path: "/system", name: "System", key: "s", audience: "provider", group: "govern" },
] as const satisfies readonly PageEntry[];

export type PagePath = (typeof PAGES)[number]["path"];

/** The pages of this principal, in their order. */
export function pagesFor(me: Me): (PageEntry & { path: PagePath })[] {
  const audience = isProvider(me) ? "provider" : "tenant";
  const pages: readonly (PageEntry & { path: PagePath })[] = PAGES;
  return pages.filter(
    (page) => (page.audience === "everyone" || page.audience === audience) && (page.roles?.includes(me.role) ?? true),
  );
}

/** The page that an address belongs to: /reservations/rsv_1 is of /reservations. */
export function pageAt(path: string): (PageEntry & { path: PagePath }) | undefined {
  const pages: readonly (PageEntry & { path: PagePath })[] = PAGES;
  return pages.find((page) => path === page.path || path.startsWith(`${page.path}/`));
}
