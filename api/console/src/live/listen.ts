// Who wants to hear of each event, and not only that something is stale.
import { useEffect } from "react";
import type { ServerEvent } from "./sse";

type Listener = (event: ServerEvent) => void;
const listeners = new Set<Listener>();

export function announce(event: ServerEvent): void {
  for (const listener of listeners) listener(event);
}

/** Calls `listener`, which should keep its identity, for as long as its component is there. */
export function useEvents(listener: Listener): void {
  useEffect(() => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, [listener]);
}
