// What parts of the work are called. Leases name zones by UUID; the API's ids are the same 128 bits in Crockford's base32.
import { title } from "../format/text";

const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const ID_DIGITS = 26;

/** "zon_…" of "zone:<uuid>"; null: the lease is of something else. */
export function zoneIdOf(lease: string): string | null {
  const uuid = /^zone:([0-9a-f-]{36})$/.exec(lease)?.[1];
  if (uuid === undefined) return null;
  let rest = BigInt(`0x${uuid.replaceAll("-", "")}`);
  let text = "";
  for (let digit = 0; digit < ID_DIGITS; digit++) {
    text = (DIGITS[Number(rest % 32n)] ?? "") + text;
    rest /= 32n;
  }
  return `zon_${text}`;
}

/** "Invoice requests", "Zone us-east-1a". */
export function nameOfWork(name: string): string {
  return title(name.replace(":", " "));
}
