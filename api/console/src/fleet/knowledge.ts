// What paints need beside the fleet, asked for only while such a paint is chosen.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, unwrap } from "../api/client";
import type { Margin as MarginAnswer, NodeHealth } from "../api/model";
import { allPages, PAGE_LIMIT, type Listing } from "../api/pages";
import { useMargin } from "../api/queries";
import { dayOf } from "../format/text";
import type { Knowledge, Margin, PaintKind } from "./paint";

const MARGIN_DAYS = 30;
const PAGES_MOST = 130;
/** Exporters report without an event: what they said is asked for again. */
const HEALTH_EVERY_MS = 60_000;

function useHealth(enabled: boolean): UseQueryResult<Listing<NodeHealth>> {
  return useQuery({
    queryKey: ["health"],
    enabled,
    refetchInterval: HEALTH_EVERY_MS,
    queryFn: () =>
      allPages((page) => {
        const query = { limit: PAGE_LIMIT, ...(page !== undefined && { page }) };
        return unwrap(api.GET("/v1/system/node-health", { params: { query } }));
      }, PAGES_MOST),
  });
}

function byKey(answer: MarginAnswer | undefined): ReadonlyMap<string, Margin> | null {
  if (answer === undefined) return null;
  return new Map(answer.items.map((item) => [String(item.key), item]));
}

export function useKnowledge(kind: PaintKind, now: string): Knowledge {
  const wanted = kind.needs === "margin";
  const [from, to] = [dayOf(now, -MARGIN_DAYS), dayOf(now)];
  const nodes = useMargin("node", from, to, wanted);
  const racks = useMargin("rack", from, to, wanted);
  const health = useHealth(kind.needs === "health");
  return useMemo(
    () => ({
      marginOfNode: byKey(nodes.data),
      marginOfRack: byKey(racks.data),
      health: health.data === undefined ? null : new Map(health.data.items.map((item) => [item.node, item])),
    }),
    [nodes.data, racks.data, health.data],
  );
}
