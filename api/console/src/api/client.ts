// The one door to the REST API: typed by the OpenAPI document, authorized by the session's cookie.
import createClient from "openapi-fetch";
import { problemFrom, ProblemError } from "./problem";
import type { paths } from "./schema";
import { session } from "./session";

// Lists can be had as CSV too; what is asked for here is JSON.
export const api = createClient<paths, "application/json">({ baseUrl: window.location.origin });

api.use({
  onRequest({ request }) {
    const csrf = session.csrf();
    if (csrf !== null && request.method !== "GET") request.headers.set("X-CSRF-Token", csrf);
    return request;
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer, or a ProblemError. A session that is no longer good is left. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok && data !== undefined) return data;
  const problem = problemFrom(response, error);
  if (response.status === 401) session.end(problem.detail ?? problem.title);
  throw new ProblemError(problem);
}
