// What a node's page shows.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import type { Allocation, Asset, Gpu, GpuError, Node } from "../api/model";
import { allPages, PAGE_LIMIT, type Listing } from "../api/pages";

export function useNode(id: string): UseQueryResult<Node> {
  return useQuery({
    queryKey: ["nodes", "one", id],
    queryFn: () => unwrap(api.GET("/v1/system/nodes/{id}", { params: { path: { id } } })),
  });
}

/** What was, is and is promised of it, from an instant on. */
export function useStays(node: string, from: string): UseQueryResult<Listing<Allocation>> {
  return useQuery({
    queryKey: ["allocations", "node", node, from],
    queryFn: () =>
      allPages((page) => {
        const query = { limit: PAGE_LIMIT, node, from, ...(page !== undefined && { page }) };
        return unwrap(api.GET("/v1/system/allocations", { params: { query } }));
      }),
  });
}

export function useAssetsOf(node: string): UseQueryResult<Listing<Asset>> {
  return useQuery({
    queryKey: ["assets", "node", node],
    queryFn: () =>
      allPages((page) => {
        const query = { limit: PAGE_LIMIT, node, ...(page !== undefined && { page }) };
        return unwrap(api.GET("/v1/system/assets", { params: { query } }));
      }),
  });
}

/** Exporters report without an event: what they said is asked for again. */
const HEALTH_EVERY_MS = 60_000;

export function useGpus(node: string): UseQueryResult<Listing<Gpu>> {
  return useQuery({
    queryKey: ["health", "gpus", node],
    refetchInterval: HEALTH_EVERY_MS,
    queryFn: () =>
      allPages((page) => {
        const query = { limit: PAGE_LIMIT, node, ...(page !== undefined && { page }) };
        return unwrap(api.GET("/v1/system/gpus", { params: { query } }));
      }),
  });
}

export function useGpuErrors(node: string): UseQueryResult<Listing<GpuError>> {
  return useQuery({
    queryKey: ["health", "errors", node],
    refetchInterval: HEALTH_EVERY_MS,
    queryFn: () =>
      allPages((page) => {
        const query = { limit: PAGE_LIMIT, node, ...(page !== undefined && { page }) };
        return unwrap(api.GET("/v1/system/gpu-errors", { params: { query } }));
      }),
  });
}

export function useFirmware(id: string) {
  return useQuery({
    queryKey: ["health", "firmware", id],
    queryFn: () => unwrap(api.GET("/v1/system/nodes/{id}/firmware", { params: { path: { id } } })),
  });
}
