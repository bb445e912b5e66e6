// One event stream per browser: of all tabs of a session one follows the log (whoever holds the lock) and tells the
// others over a channel. When it closes, the next takes the lock and goes on where this one was.
import { session } from "../api/session";
import type { ServerEvent } from "./sse";
import { follow, type Follower } from "./stream";

type Message =
  | { kind: "open" }
  | { kind: "event"; event: ServerEvent }
  | { kind: "lost" }
  /** A tab that has just come asks how things stand; who leads answers with open or lost. */
  | { kind: "ask" };

/** Follows until stop, alone or through the tab that leads. Locks and channels are the session's: the next has its own. */
export function followShared(url: string, follower: Follower, stop: AbortSignal): void {
  const name = `sluice.events ${session.id() ?? ""} ${url}`;
  const channel = new BroadcastChannel(name);
  let lastId: string | null = null;
  let standing: "open" | "lost" | null = null; // of the stream, where this tab leads

  let isOpen = false; // as far as this tab has heard

  function apply(message: Message): void {
    if (message.kind === "open" || message.kind === "lost") isOpen = message.kind === "open";
    if (message.kind === "open") follower.onOpen();
    else if (message.kind === "lost") follower.onLost();
    else if (message.kind === "event") {
      lastId = message.event.id ?? lastId;
      follower.onEvent(message.event);
    }
  }

  function tell(message: Message): void {
    if (stop.aborted) return;
    if (message.kind === "open" || message.kind === "lost") standing = message.kind;
    channel.postMessage(message);
    apply(message);
  }

  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.kind !== "ask") apply(data);
    else if (standing !== null) channel.postMessage({ kind: standing } satisfies Message);
  };
  stop.addEventListener("abort", () => channel.close());
  channel.postMessage({ kind: "ask" } satisfies Message);

  const leading: Follower = {
    onOpen: () => tell({ kind: "open" }),
    onEvent: (event) => tell({ kind: "event", event }),
    onLost: () => tell({ kind: "lost" }),
  };
  function lead(): Promise<void> {
    // The tab that led is gone, and its stream with it: until ours is open, nobody listens.
    if (isOpen) tell({ kind: "lost" });
    return follow(url, leading, stop, lastId);
  }
  void navigator.locks.request(name, { signal: stop }, lead).catch(() => undefined); // stopped before it had the lock
}
