// Keeps what is on screen true: events mark queries as stale, and React Query fetches those that are shown.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import { announce } from "./listen";
import { followShared } from "./shared";
import { throttle } from "./throttle";
import { EVERYTHING, touchedBy } from "./touches";

export type LiveState = { state: "connecting" } | { state: "live" } | { state: "stale"; since: string };

const REFRESH_LEAST_MS = 1000;
const LiveContext = createContext<LiveState>({ state: "connecting" });

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
