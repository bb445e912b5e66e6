// What would come of a change, asked with validate_only while the form is filled in.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { addressOf, send, type Ask } from "../api/change";
import { problemOf, type Problem } from "../api/problem";

/** Typing pauses for this long before the API is asked. */
const PAUSE_MS = 350;

export interface Preview<T> {
  /** What would be; null: not known (yet). */
  data: T | null;
  problem: Problem | null;
  /** The form holds what is so already. */
  unchanged: boolean;
  asking: boolean;
}

/** A value once it has not changed for a moment. */
export function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

export function usePreview<T>(ask: Ask, enabled: boolean): Preview<T> {
  const now = JSON.stringify(ask.body ?? null);
  const settled = useSettled(now);
  // Only what stands still is asked: what was typed before may be less than a whole form.
  const current = enabled && now === settled;
  const query = useQuery({
    queryKey: ["preview", ask.method, addressOf(ask), ask.ifMatch ?? null, settled],
    queryFn: async ({ signal }) => {
      const body: unknown = JSON.parse(settled);
      const { data } = await send<T>({ ...ask, body: body ?? undefined }, { validateOnly: true, signal });
      return { data };
    },
    enabled: current,
    retry: false,
    staleTime: 0,
    gcTime: 0,
  });
  const problem = current && query.isError ? problemOf(query.error) : null;
  return {
    data: current ? (query.data?.data ?? null) : null,
    problem,
    unchanged: problem?.code === "nothing_to_amend",
    asking: enabled && (!current || query.isFetching),
  };
}
