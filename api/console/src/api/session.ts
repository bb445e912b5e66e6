// Who is signed in, as far as a page can know: the session's cookie is out of its reach, and it keeps no token. What it
// holds is the value that changes must show (X-CSRF-Token), in memory only; a page loaded anew asks for it again.
import { useSyncExternalStore } from "react";
import { ProblemError, problemFrom, problemOf, type Problem } from "./problem";

/** unknown: not asked yet, or nobody answered. */
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
let trouble: Problem | null = null;

/** How soon it is asked again whether there is a session, where nothing could say so. */
const ASK_AGAIN_MS = 3_000;

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
  farewell = trouble = null;
  become("in");
}

async function bodyOf(answer: Response): Promise<unknown> {
  return answer.json().catch(() => null);
}

async function asked(path: string): Promise<unknown> {
  const answer = await fetch(path);
  const body = await bodyOf(answer);
  if (!answer.ok) throw new ProblemError(problemFrom(answer, body));
  return body;
}

export const session = {
  state: (): SessionState => state,
  csrf: (): string | null => csrf,
  id: (): string | null => id,
  /** Who signs people in beside tokens; null: nobody. */
  provider: (): string | null => provider,
  /** Why the last session ended, when the server ended it. */
  farewell: (): string | null => farewell,
  /** Why it is not known whether there is a session. */
  trouble: (): Problem | null => trouble,
  /** Takes up the session that the browser has from before, if it has one. Only who was asked can say that it has none:
   * while the API or its database is away, it is asked again and again. */
  async resume(): Promise<void> {
    try {
      const { has_session, identity_provider } = (await asked("/sign-in")) as Ways;
      provider = identity_provider;
      if (has_session) enter((await asked("/v1/me")) as SessionFields);
      else become("out");
    } catch (error) {
      const problem = problemOf(error);
      if (problem.status === 401 || problem.status === 403) return become("out");
      trouble = problem;
      become("unknown");
      setTimeout(() => void session.resume(), ASK_AGAIN_MS);
    }
  },
  /** Exchanges a token for a session; the problem where it is refused. The token is sent once and kept nowhere. */
  async begin(token: string): Promise<Problem | null> {
    try {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const answer = await fetch("/v1/sessions", { method: "POST", headers, body: "{}" });
      const body = await bodyOf(answer);
      if (!answer.ok) return problemFrom(answer, body);
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

export function useTrouble(): Problem | null {
  return useSyncExternalStore(session.subscribe, session.trouble);
}
