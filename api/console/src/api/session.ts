// Who is signed in, as far as a page can know: the session's cookie is out of its reach, and it keeps no token. What it
// holds is the value that changes must show (X-CSRF-Token), in memory only; a page loaded anew asks for it again.
import { useSyncExternalStore } from "react";
import { problemFrom, problemOf, type Problem } from "./problem";

/** unknown: not asked yet. */
export type SessionState = "unknown" | "out" | "in";

/** What GET /sign-in answers. */
interface Ways {
  has_session: boolean;
  identity_provider: string | null;
}

const listeners = new Set<() => void>();
let state: SessionState = "unknown";
let csrf: string | null = null;
let id: string | null = null;
let farewell: string | null = null;
let provider: string | null = null;

function become(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

interface SessionFields {
  id?: string;
  session_id?: string | null;
  csrf_token?: string | null;
}

function enter(fields: SessionFields): void {
  id = fields.session_id ?? fields.id ?? null;
  csrf = fields.csrf_token ?? null;
  farewell = null;
  become("in");
}

async function bodyOf(answer: Response): Promise<unknown> {
  return answer.json().catch(() => null);
}

export const session = {
  state: (): SessionState => state,
  csrf: (): string | null => csrf,
  id: (): string | null => id,
  /** Who signs people in beside tokens; null: nobody. */
  provider: (): string | null => provider,
  /** Why the last session ended, when the server ended it. */
  farewell: (): string | null => farewell,
  /** Takes up the session that the browser has from before, if it has one. */
  async resume(): Promise<void> {
    try {
      const asked = (await bodyOf(await fetch("/sign-in"))) as Ways | null;
      provider = asked?.identity_provider ?? null;
      const me = asked?.has_session === true ? await fetch("/v1/me") : null;
      if (me?.ok === true) enter((await bodyOf(me)) as SessionFields);
      else become("out");
    } catch {
      become("out");
    }
  },
  /** Exchanges a token for a session; the problem where it is refused. The token is sent once and kept nowhere. */
  async begin(token: string): Promise<Problem | null> {
    try {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const answer = await fetch("/v1/sessions", { method: "POST", headers, body: "{}" });
      const body = await bodyOf(answer);
      if (!answer.ok) return problemFrom(answer.status, body);
      enter(body as SessionFields);
      return null;
    } catch (error) {
      return problemOf(error);
    }
  },
  /** Signs out. Where the server cannot be reached now, the session ends by idleness. */
  async signOut(): Promise<void> {
    const headers = { "X-CSRF-Token": csrf ?? "" };
    await fetch(`/v1/sessions/${id ?? ""}`, { method: "DELETE", headers }).catch(() => null);
    session.end();
  },
  /** It is over, by the server's word or ours. */
  end(why: string | null = null): void {
    if (state === "out") return;
    csrf = id = null;
    farewell = why;
    become("out");
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.state);
}
