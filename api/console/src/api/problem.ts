// RFC 9457: what the API says when it refuses, carried as an Error.

export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string | null;
  requestId: string | null;
  retryable: boolean;
  /** How long to wait before it is asked again, where the API said so. */
  retryAfter_s: number | null;
  errors: { pointer: string; code: string; detail: string }[];
  /** What a refusal tells beside: binding, alternatives, the id under which it stays readable. */
  more: Readonly<Record<string, unknown>>;
}

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = "ProblemError";
  }
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** What a proxy says while what is behind it is away or busy. */
const PASSING: readonly number[] = [429, 502, 503, 504];

/** Reads a problem document, or makes one where a proxy answered with something else. */
export function problemFrom({ status, headers }: Pick<Response, "status" | "headers">, body: unknown): Problem {
  const after_s = Number.parseInt(headers.get("Retry-After") ?? "", 10);
  const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const errors = Array.isArray(fields.errors) ? (fields.errors as Problem["errors"]) : [];
  return {
    status,
    code: text(fields.code) ?? `http_${status}`,
    title: text(fields.title) ?? `The server answered ${status}`,
    detail: text(fields.detail),
    requestId: text(fields.request_id),
    retryable: typeof fields.retryable === "boolean" ? fields.retryable : PASSING.includes(status),
    retryAfter_s: Number.isNaN(after_s) ? null : after_s,
    errors,
    more: fields,
  };
}

/** What went wrong, as a problem, whatever was thrown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return {
    status: 0,
    code: "unreachable",
    title: "The API does not answer",
    detail: navigator.onLine ? "It, or the network on the way to it, is away." : "This browser is offline.",
    requestId: null,
    retryable: true,
    retryAfter_s: null,
    errors: [],
    more: {},
  };
}

const RETRIES_MAX = 2; // of one request, before its problem is shown
const AGAIN_MS = 10_000;

/** Is it asked for once more before anybody is told? */
export function isTriedAgain(count: number, error: unknown): boolean {
  return count < RETRIES_MAX && problemOf(error).retryable;
}

/** After one second, then two; later where the API said so. */
export function triedAgainAfter_ms(count: number, error: unknown): number {
  return Math.max(1000 * 2 ** count, Math.min(1000 * (problemOf(error).retryAfter_s ?? 0), AGAIN_MS));
}

/** What failed, and may not fail again, is asked for again while it is shown; all screens not at the same moment. */
export function askedAgainAfter_ms(error: unknown): number | false {
  const { retryable, retryAfter_s } = problemOf(error);
  return retryable && Math.max(AGAIN_MS, 1000 * (retryAfter_s ?? 0)) * (1 + Math.random() / 4);
}
