// Lists by the path that the API's document names: whole, or page by page as somebody scrolls.
import {
  infiniteQueryOptions,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type QueryKey,
  type UseQueryResult,
} from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import { send, type Ask } from "./change";
import { allPages, PAGE_LIMIT, type Listing, type Page } from "./pages";
import type { paths } from "./schema";

type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": infer T } } } };
}
  ? T
  : never;
/** What a list has of. */
export type ItemOf<P extends keyof paths> = Answer<P> extends { items: (infer T)[] } ? T : never;
/** What an object's address answers. */
export type ObjectOf<P extends keyof paths> = Answer<P>;

export interface ListAsk<P extends keyof paths = keyof paths> extends Pick<Ask, "params" | "query"> {
  path: P & string;
}

export interface Manner {
  enabled?: boolean;
  /** What changes without an event is asked for again so often. */
  every_ms?: number;
  /** Members of the query that only narrow: while another one of them is asked for, what was shown stays. */
  filters?: readonly string[];
}

function pageOf<T>(list: ListAsk, page: string | undefined, limit: number, signal?: AbortSignal): Promise<Page<T>> {
  const query = { ...list.query, limit: String(limit), page };
  return send<Page<T>>({ method: "GET", ...list, query }, signal && { signal }).then(({ data }) => data);
}

function keyOf(word: string, list: ListAsk): QueryKey {
  return [word, list.path, list.params ?? {}, list.query ?? {}];
}

/** A key of keyOf without what only narrows: two that differ here are of different objects. */
function objectOf(key: QueryKey, filters: readonly string[]): string {
  const [word, path, params, query] = key;
  const rest = Object.entries((query ?? {}) as Record<string, unknown>).filter(([name]) => !filters.includes(name));
  return JSON.stringify([word, path, params, Object.fromEntries(rest)]);
}

/** What may be shown of the former query while the next is fetched: the same object's, otherwise narrowed; nothing else. */
export function formerOf<T>(
  next: QueryKey,
  filters: readonly string[],
  was: QueryKey | undefined,
  data: T,
): T | undefined {
  return was !== undefined && objectOf(was, filters) === objectOf(next, filters) ? data : undefined;
}

function optionsOf(queryKey: QueryKey, { enabled = true, every_ms, filters = [] }: Manner) {
  return {
    queryKey,
    enabled,
    ...(every_ms !== undefined && { refetchInterval: every_ms }),
    placeholderData: <T>(data: T | undefined, was: { queryKey: QueryKey } | undefined) =>
      formerOf(queryKey, filters, was?.queryKey, data),
  };
}

/** All of a list, without a hook. */
export function wholeOf<P extends keyof paths>(
  list: ListAsk<P>,
  signal?: AbortSignal,
  pagesMax?: number,
): Promise<Listing<ItemOf<P>>> {
  return allPages((page) => pageOf<ItemOf<P>>(list, page, PAGE_LIMIT, signal), pagesMax);
}

/** All of a list, within the bound that Listing admits to. `word` is the one by which events name it (live/live.tsx). */
export function useWhole<P extends keyof paths>(
  word: string,
  list: ListAsk<P>,
  { pagesMax, ...manner }: Manner & { pagesMax?: number } = {},
): UseQueryResult<Listing<ItemOf<P>>> {
  // What is cut elsewhere is another answer.
  const key = pagesMax === undefined ? keyOf(word, list) : [...keyOf(word, list), pagesMax];
  return useQuery({ ...optionsOf(key, manner), queryFn: ({ signal }) => wholeOf(list, signal, pagesMax) });
}

/** One object. */
export function useObject<P extends keyof paths>(
  word: string,
  ask: ListAsk<P>,
  manner: Manner = {},
): UseQueryResult<ObjectOf<P>> {
  return useQuery({
    ...optionsOf(keyOf(word, ask), manner),
    queryFn: ({ signal }) => send<ObjectOf<P>>({ method: "GET", ...ask }, { signal }).then(({ data }) => data),
  });
}

export interface Endless<T> {
  query: UseQueryResult<T[]>;
  /** The last row is there: nothing follows. */
  complete: boolean;
  /** Fetches the next page, unless one is on its way. */
  more: () => void;
  /** Puts rows in the place of those with the same id, and new ones first. */
  patch: (rows: readonly T[]) => void;
}

const ROWS_PER_PAGE = 500;
const ROWS_PER_PAGE_AGAIN = 100; // of what is asked for again and again
type Pages<T> = InfiniteData<Page<T>, string | undefined>;

/** New rows before all others, known ones where they are. */
export function patched<T extends { id: string }>(pages: readonly Page<T>[], rows: readonly T[]): Page<T>[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const known = new Set<string>();
  const kept = pages.map((page) => ({
    ...page,
    items: page.items.map((row) => (known.add(row.id), byId.get(row.id) ?? row)),
  }));
  const [first, ...rest] = kept;
  const fresh = rows.filter((row) => !known.has(row.id));
  return first === undefined ? [] : [{ ...first, items: [...fresh, ...first.items] }, ...rest];
}

/** Who comes back to a list finds its first page at once. */
function firstOf<T>(was: Pages<T> | undefined): Pages<T> | undefined {
  return was && { pages: was.pages.slice(0, 1), pageParams: was.pageParams.slice(0, 1) };
}

/** While nobody shows it nobody patches it: whoever comes back, to the page or to the filter, has it fetched anew, also if they left while it was on its way. */
export function endlessOptions<T>(queryKey: QueryKey, list: ListAsk, every_ms?: number) {
  const rows = every_ms === undefined ? ROWS_PER_PAGE : ROWS_PER_PAGE_AGAIN;
  return infiniteQueryOptions({
    queryKey,
    queryFn: ({ pageParam, signal }) => pageOf<T>(list, pageParam, rows, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<T>) => page.next_page ?? undefined,
    select: (data: Pages<T>) => data.pages.flatMap((page) => page.items),
    staleTime: 0,
    refetchOnWindowFocus: false, // while it is shown, events keep it
    refetchOnReconnect: false,
    ...(every_ms !== undefined && {
      // As many requests in a minute however far somebody has scrolled; none while the page is hidden.
      refetchInterval: ({ state }: { state: { data?: Pages<T> | undefined } }) =>
        every_ms * (state.data?.pages.length ?? 1),
    }),
  });
}

/** A list of any length, newest first: while it is shown, what was scrolled to is fetched once, and changes are patched in. */
export function useEndless<T extends { id: string }>(
  word: string,
  list: ListAsk,
  { every_ms }: Pick<Manner, "every_ms"> = {},
): Endless<T> {
  const queries = useQueryClient();
  const queryKey = useMemo(() => [...keyOf(word, list), "by page"], [word, list]);
  const found = useInfiniteQuery(endlessOptions<T>(queryKey, list, every_ms));
  useEffect(() => () => void queries.setQueryData<Pages<T>>(queryKey, firstOf), [queries, queryKey]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = found;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  const patch = useCallback(
    (rows: readonly T[]) =>
      queries.setQueryData<Pages<T>>(queryKey, (was) => was && { ...was, pages: patched(was.pages, rows) }),
    [queries, queryKey],
  );
  return { query: found as unknown as UseQueryResult<T[]>, complete: !hasNextPage, more, patch };
}
