// Asks for it: at once, or held for a while as a quote. Sent again after a lost connection it is the same request.
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { send } from "../api/change";
import { problemOf, type Problem } from "../api/problem";
import type { Body } from "./draft";

interface Made {
  id: string;
}

export interface Confirm {
  busy: boolean;
  /** Why the last one was refused. */
  problem: Problem | null;
  /** Each ends on the page of what was made, unless it is refused. */
  reserve: (body: Body) => Promise<void>;
  quote: (body: Body) => Promise<void>;
  /** Why this cannot be held as a quote; null: it can. */
  refusalOfQuote: (body: Body) => string | null;
}

const TOUCHED = ["reservations", "quotes", "availability", "quotas", "credit"];

export function useConfirm(): Confirm {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const keys = useRef(new Map<string, string>());

  async function make(path: "/v1/reservations" | "/v1/quotes", body: Body): Promise<Made | null> {
    const what = `${path} ${JSON.stringify(body)}`;
    const idempotencyKey = keys.current.get(what) ?? crypto.randomUUID();
    keys.current.set(what, idempotencyKey);
    setBusy(true);
    setProblem(null);
    try {
      const { data } = await send<Made>({ method: "POST", path, body }, { idempotencyKey });
      return data;
    } catch (error) {
      const refused = problemOf(error);
      // Decided: asked once more it is another request.
      if (refused.status !== 0) keys.current.delete(what);
      setProblem(refused);
      return null;
    } finally {
      setBusy(false);
      for (const key of TOUCHED) void queries.invalidateQueries({ queryKey: [key] });
    }
  }
  return {
    busy,
    problem,
    async reserve(body) {
      const made = await make("/v1/reservations", body);
      if (made !== null) await navigate({ to: "/reservations/$id", params: { id: made.id } });
    },
    async quote(body) {
      const made = await make("/v1/quotes", body);
      if (made !== null) await navigate({ to: "/quotes", search: { quote: made.id } });
    },
    refusalOfQuote: (body) =>
      body.if_unavailable === "waitlist" ? "a quote holds what is free now; it does not wait" : null,
  };
}
