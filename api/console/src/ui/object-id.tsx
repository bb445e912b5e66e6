// The id of an object, which leads to where it is shown.
import { placeOf } from "../app/objects";
import { Goto } from "./goto";

export function ObjectId({ id }: { id: string }) {
  const place = placeOf(id);
  const text = <code>{id}</code>;
  return place === null ? text : <Goto to={place.to}>{text}</Goto>;
}
