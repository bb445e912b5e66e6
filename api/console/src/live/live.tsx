// Keeps what is on screen true: events mark queries as stale, and React Query fetches those that are shown.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import { announce } from "./listen";
import { follow } from "./stream";
import { throttle } from "./throttle";

export type LiveState = { state: "connecting" } | { state: "live" } | { state: "stale"; since: string };

const REFRESH_LEAST_MS = 1000;
const LiveContext = createContext<LiveState>({ state: "connecting" });

/** Which queries an event of this kind makes stale: the first part of its kind, by the first part of their keys. */
const TOUCHES: Readonly<Record<string, readonly string[]>> = {
  node: ["nodes", "fleet"],
  maintenance: ["maintenance", "allocations"],
  zone: ["zones"],
  reservation: ["reservations", "nodes", "fleet", "allocations", "quotes", "availability", "quotas"],
  instance: ["reservations", "nodes", "fleet"],
  invoice: ["invoices", "credit", "margin", "ledger"],
  invoice_request: ["invoices"],
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
const EVERYTHING = [
  "nodes",
  "fleet",
  "allocations",
  "maintenance",
  "zones",
  "reservations",
  "invoices",
  "margin",
  "credit",
  "terms",
  "assets",
  "ledger",
] as const;

export function touchedBy(kind: string): readonly string[] {
  return TOUCHES[kind.split(".", 1)[0] ?? ""] ?? (kind === "reset" ? EVERYTHING : []);
}

export function LiveProvider({ url, children }: { url: string; children: ReactNode }): ReactNode {
  const queries = useQueryClient();
  const [live, setLive] = useState<LiveState>({ state: "connecting" });

  useEffect(() => {
    const stop = new AbortController();
    const refresh = throttle(REFRESH_LEAST_MS, (keys) => {
      for (const key of keys) void queries.invalidateQueries({ queryKey: [key] });
    });
    const touchAll = (keys: readonly string[]): void => keys.forEach((key) => refresh.touch(key));
    let opened = false;
    void follow(
      url,
      {
        onOpen() {
          // What happened while we were away is not known in detail: everything may have changed.
          if (opened) touchAll([...EVERYTHING, "me"]);
          opened = true;
          setLive({ state: "live" });
        },
        onEvent: (event) => {
          touchAll([...touchedBy(event.event), "me"]);
          announce(event);
        },
        onLost: () =>
          setLive((was) => (was.state === "stale" ? was : { state: "stale", since: new Date().toISOString() })),
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
