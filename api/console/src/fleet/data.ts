// What the map is drawn of. A fleet of up to NODES_MOST nodes is fetched whole; of a larger one the sums of all racks,
// and the nodes of the fabric or rack that one looks at.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, unwrap } from "../api/client";
import type { Fabric, FleetRack } from "../api/model";
import { allPages, PAGE_LIMIT, type Listing } from "../api/pages";
import { inOrder, isWithin, rackOf, type Focus, type Rack } from "./model";

/** 2 MB or so, fetched and drawn within half a second. */
export const NODES_MOST = 20_000;
/** 16,000 racks of 8: 125,000 nodes. */
const PAGES_MOST = 40;
/** Of what it takes to fetch a large fleet, the share of time that following it may take. */
const FETCH_SHARE = 0.2;

function useFabrics(): UseQueryResult<Listing<Fabric>> {
  return useQuery({
    queryKey: ["fleet", "fabrics"],
    queryFn: () =>
      allPages((page) =>
        unwrap(api.GET("/v1/system/fabrics", { params: { query: { limit: PAGE_LIMIT, ...given({ page }) } } })),
      ),
  });
}

function given<T extends Record<string, string | undefined>>(fields: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}

let lastFetch = { ended_ms: -Infinity, took_ms: 0 };

/** The larger the fleet, the more rarely it is fetched anew, however much happens in it. */
async function untilItsTurn(signal: AbortSignal): Promise<void> {
  const wait_ms = lastFetch.ended_ms + lastFetch.took_ms / FETCH_SHARE - performance.now();
  if (wait_ms <= 0) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, wait_ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

async function fetchRacks(focus: Focus, nodes: boolean, signal: AbortSignal): Promise<Rack[]> {
  const began_ms = performance.now();
  const { items } = await allPages<FleetRack>(
    (page) =>
      unwrap(
        api.GET("/v1/system/fleet", {
          params: { query: { limit: PAGE_LIMIT, nodes, ...given({ page, ...focus }) } },
          signal,
        }),
      ),
    PAGES_MOST,
  );
  const ended_ms = performance.now();
  performance.mark("fleet-data"); // the map's first frame is counted from here
  lastFetch = { ended_ms, took_ms: ended_ms - began_ms };
  return items.map(rackOf);
}

function useRacks(focus: Focus, nodes: boolean, enabled: boolean): UseQueryResult<Rack[]> {
  return useQuery({
    queryKey: ["fleet", "racks", nodes, focus.zone ?? "", focus.fabric ?? "", focus.rack ?? ""],
    enabled,
    queryFn: async ({ signal, client, queryKey }) => {
      if (client.getQueryData(queryKey) !== undefined) await untilItsTurn(signal);
      return fetchRacks(focus, nodes, signal);
    },
  });
}

/** Of a large fleet: what of it is small enough to be fetched node by node; null: nothing yet. */
function detailOf(racks: readonly Rack[] | undefined, focus: Focus): Focus | null {
  if (racks === undefined || focus.fabric === undefined) return null;
  const nodes = racks.filter((rack) => isWithin(rack, focus)).reduce((sum, rack) => sum + rack.nodeCount, 0);
  return nodes <= NODES_MOST ? focus : null;
}

export interface FleetQuery {
  query: UseQueryResult<Rack[]>;
  /** In the order of the hall. */
  racks: Rack[];
  /** Nodes are known of all that is within the focus. */
  whole: boolean;
}

export function useFleet(focus: Focus): FleetQuery {
  const fabrics = useFabrics();
  const total = fabrics.data?.items.reduce((sum, fabric) => sum + fabric.nodes, 0);
  const large = total !== undefined && total > NODES_MOST;
  const all = useRacks({}, !large, total !== undefined);
  const detail = detailOf(large ? all.data : undefined, focus);
  const near = useRacks(detail ?? {}, true, detail !== null);
  const racks = useMemo(() => {
    const byId = new Map((detail === null ? [] : (near.data ?? [])).map((rack) => [rack.id, rack]));
    return inOrder((all.data ?? []).map((rack) => byId.get(rack.id) ?? rack));
  }, [all.data, near.data, detail]);
  const query =
    total === undefined
      ? ({ ...all, isError: fabrics.isError, error: fabrics.error, refetch: fabrics.refetch } as typeof all)
      : all;
  return { query, racks, whole: racks.every((rack) => !isWithin(rack, focus) || rack.nodes !== null) };
}
