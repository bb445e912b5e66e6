// What can be done with the object that a page shows, or that was found: the buttons of its own page, for the palette.
import { changeActions } from "../assets/change-actions";
import type { ObjectOf } from "../api/list";
import { send, type Ask } from "../api/change";
import { isProvider, type Me, type Node, type Reservation, type Zone } from "../api/model";
import type { InvoiceLine, InvoiceObject } from "../billing/invoice";
import { invoiceActions } from "../billing/invoice-actions";
import { refusalFor } from "../billing/shared";
import type { Money } from "../format/money";
import { nodeActions } from "../node/actions";
import { reservationActions } from "../reservations/actions";
import type { Action } from "../ui/action";

interface Kind {
  /** What one is called. */
  noun: string;
  /** Its page, with its id. */
  address: RegExp;
  /** Where one is left for when it is gone. */
  list: string;
  actions: (me: Me, id: string, leave: () => void) => Promise<Action<never>[]>;
}

async function get<T>(path: Ask["path"], id?: string, query?: Ask["query"]): Promise<T> {
  const params = id === undefined ? {} : { params: { id } };
  return (await send<T>({ method: "GET", path, ...params, ...(query !== undefined && { query }) })).data;
}

async function ofNode(me: Me, id: string, leave: () => void): Promise<Action<never>[]> {
  const [node, zones] = await Promise.all([
    get<Node>("/v1/system/nodes/{id}", id),
    get<{ items: Zone[] }>("/v1/zones", undefined, { limit: "1000" }),
  ]);
  return nodeActions(
    node,
    zones.items.find((zone) => zone.name === node.zone),
    me,
    leave,
  );
}

async function ofReservation(me: Me, id: string): Promise<Action<never>[]> {
  const plane = isProvider(me) ? "/v1/system/reservations/{id}" : "/v1/reservations/{id}";
  const [reservation, cost] = await Promise.all([
    get<Reservation>(plane, id),
    get<{ cancelling_now: Money | null }>(`${plane}/cost`, id),
  ]);
  return reservationActions(me, reservation, cost.cancelling_now);
}

async function ofInvoice(me: Me, id: string): Promise<Action<never>[]> {
  const [invoice, lines] = await Promise.all([
    get<InvoiceObject>("/v1/system/invoices/{id}", id),
    get<{ items: InvoiceLine[] }>("/v1/system/invoices/{id}/lines", id, { limit: "1000" }),
  ]);
  return invoiceActions(invoice, lines.items, refusalFor(me));
}

async function ofAsset(me: Me, id: string): Promise<Action<never>[]> {
  const asset = await get<ObjectOf<"/v1/system/assets/{id}">>("/v1/system/assets/{id}", id);
  return changeActions(asset, refusalFor(me)) as Action<never>[];
}

const KINDS: readonly Kind[] = [
  { noun: "Node", address: /^\/fleet\/nodes\/(\w+)$/, list: "/fleet", actions: ofNode },
  { noun: "Reservation", address: /^\/reservations\/(\w+)$/, list: "/reservations", actions: ofReservation },
  { noun: "Invoice", address: /^\/billing\/invoices\/(\w+)$/, list: "/billing", actions: ofInvoice },
  { noun: "Asset", address: /^\/assets\/(\w+)$/, list: "/assets", actions: ofAsset },
];

export interface ObjectAction {
  noun: string;
  action: Action<never>;
}

/** Of the object whose page this is; none where it is nobody's. */
export async function actionsAt(me: Me, path: string, go: (path: string) => void): Promise<ObjectAction[]> {
  for (const kind of KINDS) {
    const id = kind.address.exec(path)?.[1];
    if (id === undefined) continue;
    const actions = await kind.actions(me, id, () => go(kind.list));
    return actions.map((action) => ({ noun: kind.noun, action }));
  }
  return [];
}

export function hasActions(path: string): boolean {
  return KINDS.some((kind) => kind.address.test(path));
}
