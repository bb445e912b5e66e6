// Follows the event log: one request that never ends, begun again where it broke off, with growing patience.
import { session } from "../api/session";
import { sseParser, type ServerEvent } from "./sse";

/** The server sends a comment every 15 s; longer silence than this is a dead connection that nobody told us of. */
const SILENCE_MAX_MS = 40_000;
const PATIENCE_LEAST_MS = 500;
const PATIENCE_MOST_MS = 15_000;

export interface Follower {
  onOpen(): void;
  onEvent(event: ServerEvent): void;
  onLost(): void;
}

async function readUntilBroken(
  url: string,
  lastId: string | null,
  follower: Follower,
  stop: AbortSignal,
): Promise<string | null> {
  const silence = new AbortController();
  const giveUp = (): void => silence.abort();
  let timer = setTimeout(giveUp, SILENCE_MAX_MS);
  window.addEventListener("offline", giveUp, { once: true });
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (lastId !== null) headers["Last-Event-ID"] = lastId;
  try {
    const answer = await fetch(url, { headers, cache: "no-store", signal: AbortSignal.any([stop, silence.signal]) });
    if (answer.status === 401) session.end("The session is no longer valid.");
    if (!answer.ok || answer.body === null) throw new Error(`the event stream answered ${answer.status}`);
    follower.onOpen();
    const parse = sseParser();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return lastId;
      clearTimeout(timer);
      timer = setTimeout(giveUp, SILENCE_MAX_MS);
      for (const event of parse(value)) {
        lastId = event.id ?? lastId;
        follower.onEvent(event);
      }
    }
  } catch {
    return lastId;
  } finally {
    clearTimeout(timer);
    window.removeEventListener("offline", giveUp);
  }
}

/** Waits, but no longer than until stop, or until the network is back. */
function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = (): void => {
      over.abort();
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stop.addEventListener("abort", end, { signal: over.signal });
    window.addEventListener("online", end, { signal: over.signal });
  });
}

/** Follows from after lastId until stop. onLost comes once per break, onOpen once per (re)connection. */
export async function follow(
  url: string,
  follower: Follower,
  stop: AbortSignal,
  lastId: string | null = null,
): Promise<void> {
  let patience_ms = PATIENCE_LEAST_MS;
  while (!stop.aborted) {
    let opened = false;
    const noted: Follower = { ...follower, onOpen: () => ((opened = true), follower.onOpen()) };
    lastId = await readUntilBroken(url, lastId, noted, stop);
    if (stop.aborted) return;
    follower.onLost();
    patience_ms = opened ? PATIENCE_LEAST_MS : Math.min(patience_ms * 2, PATIENCE_MOST_MS);
    await pause(patience_ms * (0.5 + Math.random() / 2), stop);
  }
}
