// Keeps what is on screen true: events mark queries as stale, and React Query fetches those that are shown.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import { announce } from "./listen";
import { followShared } from "./shared";
import { throttle } from "./throttle";

export type LiveState = { state: "connecting" } | { state: "live" } | { state: "stale"; since: string };

const REFRESH_LEAST_MS = 1000;
const LiveContext = createContext<LiveState>({ state: "connecting" });

/** Which queries an event of this kind makes stale: the first part of its kind, by the first part of their keys. */
const TOUCHES: Readonly<Record<string, readonly string[]>> = {
  node: ["nodes", "fleet", "overview"],
  maintenance: ["maintenance", "allocations"],
  zone: ["zones"],
  reservation: ["reservations", "nodes", "fleet", "allocations", "quotes", "availability", "quotas", "overview"],
  instance: ["reservations", "nodes", "fleet", "overview"],
  invoice: ["invoices", "credit", "margin", "ledger"],
  invoice_request: ["invoices"],
  usage_correction: ["usage", "margin"],
  credit_note: ["invoices", "credit", "ledger"],
  credit_limit: ["credit"],
  credit_grant: ["credit", "ledger"],
  payment: ["credit", "invoices", "ledger"],
  price: ["terms", "margin"],
  commitment: ["terms"],
  discount: ["terms"],
  charge_policy: ["terms"],
  tax_rate: ["terms"],
  billing_profile: ["terms"],
  asset: ["assets", "margin"],
  asset_change: ["assets", "margin"],
  purchase_order: ["assets"],
  ledger: ["margin", "ledger"],
  quote: ["quotes", "availability"],
  webhook: ["webhooks"],
};

/** Stands for all keys: the log no longer has what we have not read. */
const EVERYTHING = "*";

export function touchedBy(kind: string): readonly string[] {
  if (kind === "reset") return [EVERYTHING];
  return TOUCHES[kind.split(".", 1)[0] ?? ""] ?? [];
}

export function LiveProvider({ url, children }: { url: string; children: ReactNode }): ReactNode {
  const queries = useQueryClient();
  const [live, setLive] = useState<LiveState>({ state: "connecting" });

  useEffect(() => {
    const stop = new AbortController();
    const refresh = throttle(REFRESH_LEAST_MS, (keys) => {
      if (keys.has(EVERYTHING)) void queries.invalidateQueries();
      else for (const key of keys) void queries.invalidateQueries({ queryKey: [key] });
    });
    const touchAll = (keys: readonly string[]): void => keys.forEach((key) => refresh.touch(key));
    let missed = false;
    followShared(
      url,
      {
        onOpen() {
          // What happened while nobody listened is not known in detail: everything may have changed.
          if (missed) void queries.invalidateQueries();
          missed = false;
          setLive({ state: "live" });
        },
        onEvent: (event) => {
          touchAll([...touchedBy(event.event), "me"]);
          announce(event);
        },
        onLost() {
          missed = true;
          setLive((was) => (was.state === "stale" ? was : { state: "stale", since: new Date().toISOString() }));
        },
      },
      stop.signal,
    );
    return () => {
      stop.abort();
      refresh.cancel();
    };
  }, [url, queries]);

  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}

export function useLive(): LiveState {
  return useContext(LiveContext);
}
