// What the palette offers: pages, preferences, and what the API finds by name or id.
import { send } from "../api/change";
import { isProvider, type Me, type Reservation } from "../api/model";
import { session } from "../api/session";
import { formatDate } from "../format/text";
import { setTimeZone, timeZone } from "../format/zone";
import { isOver } from "../reservations/states";
import { aboutReservation } from "../reservations/wish";
import type { Action } from "../ui/action";
import { setTheme, theme } from "../ui/theme";
import type { ObjectAction } from "./object-actions";
import { placeOf } from "./objects";
import { pagesFor } from "./pages";

export interface Item {
  name: string;
  /** What it is: "Page", "Reservation of acme". */
  hint: string;
  /** Where it leads, within the console; or what it does; or an action, whose dialog opens. */
  to: string | (() => void) | Action<never>;
}

/** Of so many that a source finds, FOUND_MAX are shown. */
const ASKED_MAX = 50;
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

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
}

/** Those whose name has every word of the text in it. */
export function matchingItems(items: readonly Item[], text: string): Item[] {
  const wanted = wordsOf(text);
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

type NamedReservation = Named & Pick<Reservation, "starts_at" | "status">;

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
  /** Nothing can be done with it any more: what can comes first. */
  over?: (found: Named) => boolean;
}

const RESERVATION = {
  by: "find",
  only: { order: "newest" },
  hint: (found: Named) => aboutReservation(found as NamedReservation),
  to: (found: Named) => `/reservations/${found.id}`,
  over: (found: Named) => isOver((found as NamedReservation).status.state),
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

/** What an id leads to: no need to ask. */
export function itemOfId(text: string): Item | null {
  const place = placeOf(text);
  return place === null ? null : { name: text, ...place };
}

/** What can still be done something with before what is over, each in their order; of all, a few. */
export function chosenOf<T>(found: readonly T[], over: (one: T) => boolean = () => false): T[] {
  return [...found.filter((one) => !over(one)), ...found.filter(over)].slice(0, FOUND_MAX);
}

/** Asks the API for objects of this name. A source that refuses finds nothing: the others still do. */
export async function findObjects(me: Me, text: string, signal: AbortSignal): Promise<Item[]> {
  const sources = isProvider(me) ? PROVIDER : TENANT;
  const asked = sources.map(async ({ path, by, only, hint, to, name, over }) => {
    const query = { ...only, [by]: text, limit: String(ASKED_MAX) };
    const { data } = await send<{ items: Named[] }>({ method: "GET", path, query }, { signal });
    return chosenOf(data.items, over).map((found) => ({
      name: name?.(found) ?? found.name ?? found.id,
      hint: hint(found),
      to: to(found),
    }));
  });
  const answers = await Promise.allSettled(asked);
  return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
}

const VERBS: ReadonlySet<string> = new Set(
  wordsOf(
    `cancel change cordon correct credit dispose drain end extend finalize impair issue maintenance move plan
    re-estimate reboot release replace retire reverse shorten start stop switch uncordon void`,
  ),
);
/** Words for the same deed: which of them its button says depends on how far its object is. */
const SYNONYMS: readonly (readonly string[])[] = [["cancel", "release", "end"]];

/** "cordon gpu-0041": what is to be done, and with what; of a name alone, nothing is. */
export function wishOf(text: string): { verb: string | null; name: string } {
  const [first = "", ...rest] = text.trim().split(/\s+/);
  const verb = first.toLowerCase();
  return VERBS.has(verb) && rest.length > 0 ? { verb, name: rest.join(" ") } : { verb: null, name: text.trim() };
}

/** Its words between blanks, so that one can be found whole, or from where it begins. */
function spaced(text: string): string {
  return ` ${text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim()} `;
}

/** What an action does, with the other words for it: its button's text and what its title begins with. */
function deedOf({ verb, title }: Action<never>): string {
  const own = spaced(`${verb} ${wordsOf(title)[0] ?? ""}`);
  const same = SYNONYMS.filter((group) => group.some((word) => own.includes(spaced(word)))).flat();
  return spaced(`${own} ${same.join(" ")}`);
}

/** The actions that do what the verb says: "cordon" does not find what uncordons. */
export function doing(items: readonly Item[], verb: string): Item[] {
  return items.filter(({ to }) => typeof to === "object" && deedOf(to).includes(spaced(verb)));
}

/** The actions in whose deed or title words begin as all those of the text do. */
export function matchingActions(items: readonly Item[], text: string): Item[] {
  const wanted = wordsOf(text).map((word) => spaced(word).trimEnd());
  return items.filter(({ name, to }) => {
    const words = typeof to === "object" ? deedOf(to) + spaced(name) : spaced(name);
    return wanted.every((word) => words.includes(word));
  });
}

/** Actions as items; one that cannot be done now says why. */
export function actionItems(actions: readonly ObjectAction[]): Item[] {
  return actions.map(({ about, action }) => ({
    name: action.title,
    hint: action.refusal == null ? about : `${about}; not now: ${action.refusal}`,
    to: action,
  }));
}

/** What no other item has: where it leads, or what it asks of the API and by which button. */
export function identityOf({ hint, name, to }: Item): string {
  if (typeof to === "string") return to;
  if (typeof to === "function") return `${hint} ${name}`;
  const { ask, fixed, verb } = to;
  return JSON.stringify([ask.method, ask.path, ask.params, ask.query, fixed, verb]);
}

/** Each once: an action of the page's object may be found once more. */
export function distinct(items: readonly Item[]): Item[] {
  const byIdentity = new Map<string, Item>();
  for (const item of items) {
    const identity = identityOf(item);
    if (!byIdentity.has(identity)) byIdentity.set(identity, item);
  }
  return [...byIdentity.values()];
}

/** What can be done with what was found: where it is asked for, or where it is one thing that was meant. */
export function actedOn(found: readonly Item[], verb: string | null): readonly string[] {
  if (verb === null && found.length !== 1) return [];
  return found.flatMap(({ to }) => (typeof to === "string" ? [to] : [])).slice(0, ACTED_MAX);
}
