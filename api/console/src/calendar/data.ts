// What the calendar shows: rectangles of the nodes that are looked at, or sums by rack where these are many.
import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import type { Allocation, Capacity } from "../api/model";
import { allPages, PAGE_LIMIT, type Listing } from "../api/pages";
import type { Focus } from "../fleet/model";
import { instantOf } from "./scale";

const PAGES_MOST = 60;

export interface Range {
  from_s: number;
  to_s: number;
}

function placeOf({ zone, fabric, rack }: Focus) {
  return {
    ...(zone !== undefined && { zone }),
    ...(fabric !== undefined && { fabric }),
    ...(rack !== undefined && { rack }),
  };
}

export function useRectangles(focus: Focus, range: Range, enabled: boolean): UseQueryResult<Listing<Allocation>> {
  return useQuery({
    queryKey: ["allocations", "calendar", placeOf(focus), range.from_s, range.to_s],
    enabled,
    placeholderData: keepPreviousData,
    queryFn: () =>
      allPages((page) => {
        const between = { from: instantOf(range.from_s), to: instantOf(range.to_s) };
        const query = { limit: PAGE_LIMIT, ...placeOf(focus), ...between, ...(page !== undefined && { page }) };
        return unwrap(api.GET("/v1/system/allocations", { params: { query } }));
      }, PAGES_MOST),
  });
}

/** What lies behind is not the planner's any more: from now on. */
export function useSums(
  focus: Focus,
  range: Range & { step_s: number },
  level: "rack" | "leaf" | "fabric",
  enabled: boolean,
): UseQueryResult<Listing<Capacity>> {
  const { from_s, to_s, step_s } = range;
  return useQuery({
    queryKey: ["allocations", "capacity", level, placeOf(focus), from_s, to_s, step_s],
    enabled: enabled && focus.zone !== undefined,
    placeholderData: keepPreviousData,
    queryFn: () =>
      allPages((page) => {
        const query = {
          zone: focus.zone ?? "",
          ...(focus.fabric !== undefined && { fabric: focus.fabric }),
          level,
          from: instantOf(from_s),
          to: instantOf(to_s),
          step_s,
          limit: PAGE_LIMIT,
          ...(page !== undefined && { page }),
        };
        return unwrap(api.GET("/v1/system/capacity", { params: { query } }));
      }, PAGES_MOST),
  });
}

export function useBreakEven(zone: string | undefined) {
  return useQuery({
    queryKey: ["margin", "break-even", zone ?? "fleet"],
    queryFn: () =>
      unwrap(
        api.GET("/v1/system/break-even", { params: { query: { by: "fleet", ...(zone !== undefined && { zone }) } } }),
      ),
  });
}
