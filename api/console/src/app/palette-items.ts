// What the palette offers: pages, preferences, and what the API finds by name or id.
import { send } from "../api/change";
import { isProvider, type Me } from "../api/model";
import { session } from "../api/session";
import { setTimeZone, timeZone } from "../format/zone";
import { setTheme, theme } from "../ui/theme";
import { pagesFor } from "./pages";

export interface Item {
  name: string;
  /** What it is: "Page", "Reservation of acme". */
  hint: string;
  /** Where it leads, within the console; or what it does. */
  to: string | (() => void);
}

const FOUND_MAX = 6;

function fixedItems(me: Me): Item[] {
  const otherTheme = theme() === "dark" ? "light" : "dark";
  const otherZone = timeZone() === "utc" ? "local" : "utc";
  return [
    ...pagesFor(me).map((page) => ({ name: page.name, hint: `Page, g ${page.key}`, to: page.path })),
    { name: "Sessions", hint: "Account", to: "/account" },
    { name: `Use the ${otherTheme} theme`, hint: "Preference", to: () => setTheme(otherTheme) },
    {
      name: otherZone === "utc" ? "Show times in UTC" : "Show times in local time",
      hint: "Preference",
      to: () => setTimeZone(otherZone),
    },
    { name: "Sign out", hint: "Account", to: () => void session.signOut() },
  ];
}

/** Those whose name has every word of the text in it. */
export function matchingItems(items: readonly Item[], text: string): Item[] {
  const wanted = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return items.filter((item) => wanted.every((word) => item.name.toLowerCase().includes(word)));
}

export function itemsFor(me: Me, text: string): Item[] {
  return matchingItems(fixedItems(me), text);
}

interface Named {
  id: string;
  name?: string | null;
  tenant?: string | null;
}

interface Source {
  path: "/v1/system/reservations" | "/v1/reservations" | "/v1/system/nodes" | "/v1/system/tenants";
  /** The parameter that takes the text. */
  by: "find" | "name";
  hint: (found: Named) => string;
  to: (found: Named) => string;
}

const RESERVATION = {
  by: "find",
  hint: (found: Named) => (found.tenant == null ? "Reservation" : `Reservation of ${found.tenant}`),
  to: (found: Named) => `/reservations/${found.id}`,
} as const;
const PROVIDER: readonly Source[] = [
  { path: "/v1/system/reservations", ...RESERVATION },
  { path: "/v1/system/nodes", by: "name", hint: () => "Node", to: (found) => `/fleet/nodes/${found.id}` },
  {
    path: "/v1/system/tenants",
    by: "name",
    hint: () => "Tenant",
    to: (found) => `/system?tenant=${encodeURIComponent(found.name ?? "")}`,
  },
];
const TENANT: readonly Source[] = [{ path: "/v1/reservations", ...RESERVATION }];

/** What an id leads to, by its first letters: no need to ask. */
const BY_ID: Readonly<Record<string, (id: string) => Omit<Item, "name">>> = {
  rsv_: (id) => ({ hint: "Reservation", to: `/reservations/${id}` }),
  nod_: (id) => ({ hint: "Node", to: `/fleet/nodes/${id}` }),
};

export function itemOfId(text: string): Item | null {
  const of = /^[a-z]{3}_[0-9a-z]{26}$/.test(text) ? BY_ID[text.slice(0, 4)] : undefined;
  return of === undefined ? null : { name: text, ...of(text) };
}

/** Asks the API for objects of this name. A source that refuses finds nothing: the others still do. */
export async function findObjects(me: Me, text: string, signal: AbortSignal): Promise<Item[]> {
  const sources = isProvider(me) ? PROVIDER : TENANT;
  const asked = sources.map(async ({ path, by, hint, to }) => {
    const query = { [by]: text, limit: String(FOUND_MAX) };
    const { data } = await send<{ items: Named[] }>({ method: "GET", path, query }, { signal });
    return data.items.map((found) => ({ name: found.name ?? found.id, hint: hint(found), to: to(found) }));
  });
  const answers = await Promise.allSettled(asked);
  return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
}
