// A change asked of the API: the same description is previewed, sent, and written down as a command.
import { problemFrom, ProblemError } from "./problem";
import type { paths } from "./schema";
import { session } from "./session";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What is asked, as the API's document names it. */
export interface Ask {
  method: Method;
  /** As in the API's document: /v1/system/nodes/{id}/cordon. */
  path: keyof paths & string;
  /** Values for what stands in braces. */
  params?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string | undefined>>;
  body?: unknown;
  /** The body lies in a file: said so in the commands; who sends it has its text. */
  file?: { name: string; type: string };
  /** ETag of the object that was shown: the change is refused where somebody else was faster. "*": whatever it is now. */
  ifMatch?: string | undefined;
}

/** The address of what is asked: path and query. */
export function addressOf({ path, params = {}, query = {} }: Pick<Ask, "path" | "params" | "query">): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const set = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const text = new URLSearchParams(set).toString();
  return text === "" ? filled : `${filled}?${text}`;
}

export interface SendOptions {
  /** Only say what would come of it. */
  validateOnly?: boolean;
  /** The same key with the same body takes effect once, however often it is sent. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

function headersOf(ask: Ask, { validateOnly, idempotencyKey }: SendOptions): Record<string, string> {
  const headers: Record<string, string> = { "X-CSRF-Token": session.csrf() ?? "" };
  if (ask.body !== undefined) headers["Content-Type"] = "application/json";
  if (ask.ifMatch !== undefined) headers["If-Match"] = ask.ifMatch;
  if (ask.method === "POST" && idempotencyKey !== undefined && validateOnly !== true)
    headers["Idempotency-Key"] = idempotencyKey;
  return headers;
}

/** An answer with the ETag under which a change of the object is asked. */
export interface Tagged<T> {
  data: T;
  etag: string | undefined;
}

/** Sends it; the answer (null: none, as of DELETE), or a ProblemError. */
export async function send<T>(ask: Ask, options: SendOptions = {}): Promise<Tagged<T>> {
  const query = { ...ask.query, ...(options.validateOnly === true && { validate_only: "true" }) };
  const answer = await fetch(addressOf({ ...ask, query }), {
    method: ask.method,
    headers: headersOf(ask, options),
    cache: "no-store",
    ...(ask.body !== undefined && { body: JSON.stringify(ask.body) }),
    ...(options.signal !== undefined && { signal: options.signal }),
  });
  const body: unknown = await answer.json().catch(() => null);
  if (answer.ok) return { data: body as T, etag: answer.headers.get("ETag") ?? undefined };
  const problem = problemFrom(answer, body);
  if (answer.status === 401) session.end(problem.detail ?? problem.title);
  throw new ProblemError(problem);
}
