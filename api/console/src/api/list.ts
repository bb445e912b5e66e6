// Lists of the API by their path: all pages of one, typed by the document.
import { useQuery, type QueryKey, type UseQueryResult } from "@tanstack/react-query";
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

type Address = Pick<Ask, "params" | "query">;

interface Options extends Address {
  /** The word by which live events name it (live/live.tsx). */
  word: string;
  enabled?: boolean;
  /** Of 1,000 items each. */
  pagesMax?: number;
}

interface Previous {
  queryKey: QueryKey;
}

/** While other filters are asked for, what was shown stays; never another object's. */
function kept(path: string, params: Ask["params"] = {}) {
  const same = JSON.stringify([path, params]);
  return <T>(data: T | undefined, previous: Previous | undefined): T | undefined =>
    JSON.stringify(previous?.queryKey.slice(1, 3)) === same ? data : undefined;
}

export function useList<P extends keyof paths & string>(path: P, options: Options): UseQueryResult<Listing<ItemOf<P>>> {
  const { word, enabled = true, pagesMax, ...address } = options;
  return useQuery({
    queryKey: [word, path, address.params ?? {}, address.query ?? {}],
    placeholderData: kept(path, address.params),
    enabled,
    queryFn: ({ signal }) =>
      allPages<ItemOf<P>>(async (page) => {
        const query = { ...address.query, limit: String(PAGE_LIMIT), page };
        return (await send<Page<ItemOf<P>>>({ method: "GET", path, ...address, query }, { signal })).data;
      }, pagesMax),
  });
}

export function useObject<P extends keyof paths & string>(
  path: P,
  options: Omit<Options, "pagesMax">,
): UseQueryResult<ObjectOf<P>> {
  const { word, enabled = true, ...address } = options;
  return useQuery({
    queryKey: [word, path, address.params ?? {}, address.query ?? {}],
    placeholderData: kept(path, address.params),
    enabled,
    queryFn: async ({ signal }) => (await send<ObjectOf<P>>({ method: "GET", path, ...address }, { signal })).data,
  });
}
