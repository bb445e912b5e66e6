// What pages ask for. Keys begin with the word by which live events name them (live/live.tsx).
import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { api, unwrap } from "./client";
import { isProvider, type Event, type Margin, type MarginBy, type Me, type Reservation, type Zone } from "./model";
import { allPages, PAGE_LIMIT, type Listing } from "./pages";
import { useSession } from "./session";

const ME_EVERY_MS = 15_000;

export function useMe(): UseQueryResult<Me> {
  const state = useSession();
  return useQuery({
    queryKey: ["me"],
    queryFn: () => unwrap(api.GET("/v1/me")),
    enabled: state === "in",
    refetchInterval: ME_EVERY_MS,
  });
}

export function useZones(): UseQueryResult<Listing<Zone>> {
  return useQuery({
    queryKey: ["zones"],
    queryFn: () => allPages((page) => unwrap(api.GET("/v1/zones", { params: { query: query({ page }) } }))),
  });
}

export function useReservation(me: Me, id: string): UseQueryResult<Reservation> {
  return useQuery({
    queryKey: ["reservations", "one", id],
    queryFn: () => {
      const params = { path: { id } };
      return isProvider(me)
        ? unwrap(api.GET("/v1/system/reservations/{id}", { params }))
        : unwrap(api.GET("/v1/reservations/{id}", { params }));
    },
  });
}

/** What happened to the object of this id; `of`: the queries that become stale with it. */
export function useEvents(me: Me, object: string, of = "reservations"): UseQueryResult<Listing<Event>> {
  return useQuery({
    queryKey: [of, "events", object],
    queryFn: () =>
      allPages((page) => {
        const params = { query: query({ page, object }) };
        return isProvider(me)
          ? unwrap(api.GET("/v1/system/events", { params }))
          : unwrap(api.GET("/v1/events", { params }));
      }),
  });
}

export function useMargin(by: MarginBy, from: string, to: string, enabled = true): UseQueryResult<Margin> {
  return useQuery({
    queryKey: ["margin", by, from, to],
    enabled,
    placeholderData: keepPreviousData,
    queryFn: () => unwrap(api.GET("/v1/system/margin", { params: { query: { by, from, to } } })),
  });
}

type Query<T> = { limit: number } & { [K in keyof T]?: Exclude<T[K], undefined> };

/** The query of a list: the largest pages, and only what is set. */
function query<T extends Record<string, string | undefined>>(fields: T): Query<T> {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { limit: PAGE_LIMIT, ...Object.fromEntries(set) } as Query<T>;
}
