// The API, asked directly: the numbers on screen are compared with these.
import { expect } from "@playwright/test";
import { stack } from "./stack";

export interface Api {
  get<T>(path: string): Promise<T>;
  /** All pages of a list; query: what narrows it ("&state=..."). */
  items<T>(path: string, query?: string): Promise<T[]>;
  post<T>(path: string, body: unknown): Promise<T>;
}

/** The value, which must be there: a spec that went on without it would look for "" or "undefined", and find them. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined || value === "") throw new Error(`${what} is not there`);
  return value;
}

interface Page<T> {
  items: T[];
  next_page: string | null;
}

/** Who asks holds the token. */
export async function apiOf(playwright: typeof import("playwright-core"), token: string): Promise<Api> {
  const context = await playwright.request.newContext({
    baseURL: stack.url,
    extraHTTPHeaders: { Authorization: `Bearer ${token}` },
  });
  async function get<T>(path: string): Promise<T> {
    const answer = await context.get(path);
    expect(answer.status(), `GET ${path}: ${await answer.text()}`).toBe(200);
    return (await answer.json()) as T;
  }
  return {
    get,
    async items<T>(path: string, query = ""): Promise<T[]> {
      const items: T[] = [];
      let page = "";
      for (;;) {
        const next = await get<Page<T>>(`${path}?limit=1000${query}${page}`);
        items.push(...next.items);
        if (next.next_page === null) return items;
        page = `&page=${encodeURIComponent(next.next_page)}`;
      }
    },
    async post<T>(path: string, body: unknown): Promise<T> {
      const answer = await context.post(path, { data: body });
      expect(answer.ok(), `POST ${path}: ${await answer.text()}`).toBe(true);
      return (await answer.json()) as T;
    },
  };
}
