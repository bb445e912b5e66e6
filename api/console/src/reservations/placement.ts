// Where instances are: their places by fabric and rack, the present one of each.
import type { ItemOf } from "../api/lists";
import { byName } from "../format/text";

export type Place = ItemOf<"/v1/system/reservations/{id}/placement">;

export interface RackPlaces {
  fabric: string;
  rack: string;
  nodes: { id: string; name: string; gpus: number; taken_milli: number; ordinals: number[] }[];
}

/** An instance that moved has several places: the one that ends last is its own; the others are behind it. */
export function present(places: readonly Place[]): Place[] {
  const last = new Map<number, number>();
  const end = (place: Place): number => (place.to === null ? Infinity : Date.parse(place.to));
  for (const place of places) last.set(place.ordinal, Math.max(last.get(place.ordinal) ?? -Infinity, end(place)));
  return places.filter((place) => end(place) === last.get(place.ordinal));
}

export function racksOf(places: readonly Place[]): RackPlaces[] {
  const racks = new Map<string, RackPlaces>();
  for (const place of places) {
    const key = `${place.fabric} ${place.rack}`;
    const rack = racks.get(key) ?? { fabric: place.fabric, rack: place.rack, nodes: [] };
    racks.set(key, rack);
    const node = rack.nodes.find((each) => each.id === place.node);
    const milli = place.slot_to - place.slot_from;
    if (node === undefined) {
      const { node: id, node_name: name, gpu_count: gpus, ordinal } = place;
      rack.nodes.push({ id, name, gpus, taken_milli: milli, ordinals: [ordinal] });
    } else {
      node.taken_milli += milli;
      if (!node.ordinals.includes(place.ordinal)) node.ordinals.push(place.ordinal);
    }
  }
  for (const rack of racks.values()) rack.nodes.sort((a, b) => byName(a.name, b.name));
  return [...racks.values()].sort((a, b) => byName(a.fabric, b.fabric) || byName(a.rack, b.rack));
}
