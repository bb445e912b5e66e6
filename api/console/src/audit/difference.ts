// What differs between two states of an object, member by member.

export interface Difference {
  /** JSON pointer. */
  at: string;
  before: string | null;
  after: string | null;
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | null {
  if (value === undefined) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Members of one that the other has not, or has otherwise. Arrays are compared as a whole. */
export function differences(before: unknown, after: unknown, at = ""): Difference[] {
  if (isObject(before) || isObject(after)) {
    const [old, now] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
    const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
    return names.flatMap((name) => differences(old[name], now[name], `${at}/${name}`));
  }
  const [old, now] = [text(before), text(after)];
  return old === now ? [] : [{ at, before: old, after: now }];
}

/** The transaction in an event's position, "<generation>-<transaction>-<sequence>": that of the audit's row. */
export function transactionOf(eventId: string): string | null {
  return /^\d+-(\d+)-\d+$/.exec(eventId)?.[1] ?? null;
}
