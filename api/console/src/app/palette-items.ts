// What the palette offers: pages, preferences, and what the API finds by name or id.
import { send } from "../api/change";
import { isProvider, type Me } from "../api/model";
import { session } from "../api/session";
import { formatDate } from "../format/text";
import { setTimeZone, timeZone } from "../format/zone";
import type { Action } from "../ui/action";
import { setTheme, theme } from "../ui/theme";
import type { ObjectAction } from "./object-actions";
import { pagesFor } from "./pages";

export interface Item {
  name: string;
  /** What it is: "Page", "Reservation of acme". */
  hint: string;
  /** Where it leads, within the console; or what it does; or an action, whose dialog opens. */
  to: string | (() => void) | Action<never>;
}

const FOUND_MAX = 6;
/** Of so many found objects the actions are asked for: of more, nobody means all. */
const ACTED_MAX = 3;

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
  number?: string | null;
  period_start?: string;
}

interface Source {
  path:
    "/v1/system/reservations" | "/v1/reservations" | "/v1/system/nodes" | "/v1/system/tenants" | "/v1/system/invoices";
  /** The parameter that takes the text. */
  by: "find" | "name" | "number" | "tenant";
  /** What else is asked for. */
  only?: Readonly<Record<string, string>>;
  /** Where it has no name of its own. */
  name?: (found: Named) => string;
  hint: (found: Named) => string;
  to: (found: Named) => string;
}

const RESERVATION = {
  by: "find",
  hint: (found: Named) => (found.tenant == null ? "Reservation" : `Reservation of ${found.tenant}`),
  to: (found: Named) => `/reservations/${found.id}`,
} as const;
const INVOICE = {
  path: "/v1/system/invoices",
  hint: (found: Named) => `Invoice of ${found.tenant ?? ""}`,
  to: (found: Named) => `/billing/invoices/${found.id}`,
  name: (found: Named) => found.number ?? `Draft of ${formatDate(found.period_start ?? "")}`,
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
  { ...INVOICE, by: "number" },
  { ...INVOICE, by: "tenant", only: { status: "draft" } },
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
  const asked = sources.map(async ({ path, by, only, hint, to, name }) => {
    const query = { ...only, [by]: text, limit: String(FOUND_MAX) };
    const { data } = await send<{ items: Named[] }>({ method: "GET", path, query }, { signal });
    return data.items.map((found) => ({
      name: name?.(found) ?? found.name ?? found.id,
      hint: hint(found),
      to: to(found),
    }));
  });
  const answers = await Promise.allSettled(asked);
  return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
}

const VERBS: ReadonlySet<string> = new Set(
  "cancel change cordon correct credit drain extend finalize impair issue maintenance move plan release replace retire shorten switch uncordon void".split(
    " ",
  ),
);

/** "cordon gpu-0041": what is to be done, and with what; of a name alone, nothing is. */
export function wishOf(text: string): { verb: string | null; name: string } {
  const [first = "", ...rest] = text.trim().split(/\s+/);
  const verb = first.toLowerCase();
  return VERBS.has(verb) && rest.length > 0 ? { verb, name: rest.join(" ") } : { verb: null, name: text.trim() };
}

/** Actions as items; one that cannot be done now says why. */
export function actionItems(actions: readonly ObjectAction[]): Item[] {
  return actions.map(({ noun, action }) => ({
    name: action.title,
    hint: action.refusal == null ? noun : `not now: ${action.refusal}`,
    to: action,
  }));
}

/** What can be done with what was found: where it is asked for, or where it is one thing that was meant. */
export function actedOn(found: readonly Item[], verb: string | null): readonly string[] {
  if (verb === null && found.length !== 1) return [];
  return found.flatMap(({ to }) => (typeof to === "string" ? [to] : [])).slice(0, ACTED_MAX);
}
