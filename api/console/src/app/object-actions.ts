// What can be done with the object that a page shows, or that was found: the buttons of its own page, for the palette.
import { changeActions } from "../assets/change-actions";
import { wholeOf, type ObjectOf } from "../api/lists";
import { send, type Ask } from "../api/change";
import { isProvider, type Me, type Node, type Reservation } from "../api/model";
import type { InvoiceObject } from "../billing/invoice";
import { invoiceActions } from "../billing/invoice-actions";
import { refusalFor } from "../billing/shared";
import type { Money } from "../format/money";
import { formatDate } from "../format/text";
import { instanceActions, type Instance } from "../instance/actions";
import { nodeActions } from "../node/actions";
import { reservationActions } from "../reservations/actions";
import { aboutReservation, nameOf } from "../reservations/wish";
import type { Action } from "../ui/action";

/** An object's actions, and what it is: "Node", "Reservation of acme, active". */
interface Doable {
  about: string;
  actions: Action<never>[];
}

interface Kind {
  /** Its page, with its id. */
  address: RegExp;
  /** Where one is left for when it is gone. */
  list: string;
  of: (me: Me, id: string, leave: () => void) => Promise<Doable>;
}

async function get<T>(path: Ask["path"], id: string): Promise<T> {
  return (await send<T>({ method: "GET", path, params: { id } })).data;
}

/** What its page does without, too: without it there is less to tell of an action, but the action. */
async function ifKnown<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch(() => undefined);
}

async function ofNode(me: Me, id: string, leave: () => void): Promise<Doable> {
  const [node, zones] = await Promise.all([
    get<Node>("/v1/system/nodes/{id}", id),
    ifKnown(wholeOf({ path: "/v1/zones" })),
  ]);
  const zone = zones?.items.find(({ name }) => name === node.zone);
  return { about: "Node", actions: nodeActions(node, zone, me, leave) };
}

async function ofReservation(me: Me, id: string): Promise<Doable> {
  const plane = isProvider(me) ? "/v1/system/reservations/{id}" : "/v1/reservations/{id}";
  const [reservation, cost] = await Promise.all([
    get<Reservation>(plane, id),
    ifKnown(get<{ cancelling_now: Money | null }>(`${plane}/cost`, id)),
  ]);
  return {
    about: aboutReservation(reservation),
    actions: reservationActions(me, reservation, cost?.cancelling_now ?? null),
  };
}

async function ofInstance(me: Me, id: string): Promise<Doable> {
  const plane = isProvider(me) ? "/v1/system" : "/v1";
  const instance = await get<Instance>(`${plane}/instances/{id}`, id);
  const reservation = await ifKnown(get<Reservation>(`${plane}/reservations/{id}`, instance.reservation));
  const name = reservation === undefined ? instance.reservation : nameOf(reservation);
  return { about: `Instance of ${name}, ${instance.state}`, actions: instanceActions(me, instance, name) };
}

async function ofInvoice(me: Me, id: string): Promise<Doable> {
  const invoice = await get<InvoiceObject>("/v1/system/invoices/{id}", id);
  const of = invoice.number ?? `draft from ${formatDate(invoice.period_start)}`;
  return {
    about: `Invoice of ${invoice.tenant}, ${of}`,
    actions: invoiceActions(invoice, refusalFor(me)),
  };
}

async function ofAsset(me: Me, id: string): Promise<Doable> {
  const asset = await get<ObjectOf<"/v1/system/assets/{id}">>("/v1/system/assets/{id}", id);
  return { about: "Asset", actions: changeActions(asset, refusalFor(me)) as Action<never>[] };
}

const KINDS: readonly Kind[] = [
  { address: /^\/fleet\/nodes\/(\w+)$/, list: "/fleet", of: ofNode },
  { address: /^\/reservations\/(\w+)$/, list: "/reservations", of: ofReservation },
  { address: /^\/reservations\/instances\/(\w+)$/, list: "/reservations", of: ofInstance },
  { address: /^\/billing\/invoices\/(\w+)$/, list: "/billing", of: ofInvoice },
  { address: /^\/assets\/(\w+)$/, list: "/assets", of: ofAsset },
];

export interface ObjectAction {
  about: string;
  action: Action<never>;
}

/** Of the object whose page this is; none where it is nobody's. Fails where the object itself is refused. */
export async function actionsAt(me: Me, path: string, go: (path: string) => void): Promise<ObjectAction[]> {
  for (const kind of KINDS) {
    const id = kind.address.exec(path)?.[1];
    if (id === undefined) continue;
    const { about, actions } = await kind.of(me, id, () => go(kind.list));
    return actions.map((action) => ({ about, action }));
  }
  return [];
}

export function hasActions(path: string): boolean {
  return KINDS.some((kind) => kind.address.test(path));
}
