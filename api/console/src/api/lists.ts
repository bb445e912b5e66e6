// Lists by the path that the API's document names: whole, or page by page as somebody scrolls.
import {
  useInfiniteQuery,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type QueryKey,
  type UseQueryResult,
} from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { send, type Ask } from "./change";
import { allPages, PAGE_LIMIT, type Listing, type Page } from "./pages";
import type { paths } from "./schema";

type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": infer T } } } };
}
  ? T
  : never;
export type ItemOf<P extends keyof paths> = Answer<P> extends { items: (infer T)[] } ? T : never;
export type ObjectOf<P extends keyof paths> = Answer<P>;

export interface ListAsk<P extends keyof paths = keyof paths> extends Pick<Ask, "params" | "query"> {
  path: P & string;
}

function pageOf<T>(list: ListAsk, page: string | undefined, limit: number): Promise<Page<T>> {
  const query = { ...list.query, limit: String(limit), page };
  return send<Page<T>>({ method: "GET", ...list, query }).then(({ data }) => data);
}

function keyOf(key: string, list: ListAsk): QueryKey {
  return [key, list.path, list.params ?? {}, list.query ?? {}];
}

/**
 * All of a list, within the bound that Listing admits to. `key` is the word by which events name it (live/live.tsx);
 * what changes without an event is asked for again every `every_ms`.
 */
export function useWhole<P extends keyof paths>(
  key: string,
  list: ListAsk<P>,
  enabled = true,
  every_ms?: number,
): UseQueryResult<Listing<ItemOf<P>>> {
  return useQuery({
    queryKey: keyOf(key, list),
    queryFn: () => allPages((page) => pageOf<ItemOf<P>>(list, page, PAGE_LIMIT)),
    enabled,
    refetchInterval: every_ms ?? false,
  });
}

/** One object. */
export function useObject<P extends keyof paths>(
  key: string,
  ask: ListAsk<P>,
  enabled = true,
  every_ms?: number,
): UseQueryResult<ObjectOf<P>> {
  return useQuery({
    queryKey: keyOf(key, ask),
    queryFn: () => send<ObjectOf<P>>({ method: "GET", ...ask }).then(({ data }) => data),
    enabled,
    refetchInterval: every_ms ?? false,
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

/** A list of any length, newest first: what was scrolled to is fetched once; what changes is patched into it. */
export function useEndless<T extends { id: string }>(key: string, list: ListAsk): Endless<T> {
  const queries = useQueryClient();
  const queryKey = useMemo(() => keyOf(key, list), [key, list]);
  const found = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => pageOf<T>(list, pageParam, ROWS_PER_PAGE),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_page ?? undefined,
    select: (data) => data.pages.flatMap((page) => page.items),
    staleTime: Infinity,
  });
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
