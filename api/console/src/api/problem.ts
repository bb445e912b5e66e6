// RFC 9457: what the API says when it refuses, carried as an Error.

export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string | null;
  requestId: string | null;
  retryable: boolean;
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

/** Reads a problem document, or makes one where a proxy answered with something else. */
export function problemFrom(status: number, body: unknown): Problem {
  const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const errors = Array.isArray(fields.errors) ? (fields.errors as Problem["errors"]) : [];
  return {
    status,
    code: text(fields.code) ?? `http_${status}`,
    title: text(fields.title) ?? `The server answered ${status}`,
    detail: text(fields.detail),
    requestId: text(fields.request_id),
    retryable: fields.retryable === true,
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
    detail: error instanceof Error ? error.message : null,
    requestId: null,
    retryable: true,
    errors: [],
    more: {},
  };
}
