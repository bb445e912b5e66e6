// Asks for it: at once, or held for a while as a quote. Sent again after a lost connection it is the same request.
import { useQueryClient } from "@tanstack/react-query";
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
  reserve: (body: Body) => Promise<Made | null>;
  quote: (body: Body) => Promise<Made | null>;
  /** Why this cannot be held as a quote; null: it can. */
  refusalOfQuote: (body: Body) => string | null;
}

const TOUCHED = ["reservations", "quotes", "availability", "quotas", "credit"];

export function useConfirm(): Confirm {
  const queries = useQueryClient();
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
    reserve: (body) => make("/v1/reservations", body),
    quote: (body) => make("/v1/quotes", body),
    refusalOfQuote: (body) =>
      body.if_unavailable === "waitlist" ? "a quote holds what is free now; it does not wait" : null,
  };
}
