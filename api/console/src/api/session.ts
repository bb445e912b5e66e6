// The token of this tab: kept in sessionStorage, so it ends with the tab and no other tab sees it.
// A server session with an HttpOnly cookie takes its place once the API has one.
import { useSyncExternalStore } from "react";

const KEY = "sluice.token";
const listeners = new Set<() => void>();
let token = sessionStorage.getItem(KEY);
let farewell: string | null = null;

function tell(): void {
  for (const listener of listeners) listener();
}

export const session = {
  token: (): string | null => token,
  /** Why the last session ended, when the server ended it. */
  farewell: (): string | null => farewell,
  begin(next: string): void {
    token = next;
    farewell = null;
    sessionStorage.setItem(KEY, next);
    tell();
  },
  end(why: string | null = null): void {
    if (token === null) return;
    token = null;
    farewell = why;
    sessionStorage.removeItem(KEY);
    tell();
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

export function useToken(): string | null {
  return useSyncExternalStore(session.subscribe, session.token);
}
