// What the specs share: who signs in, what the API says itself, and what must never happen on any page.
import { expect, test as base, type Page } from "@playwright/test";
import axe from "axe-core";

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set: start the specs by tests/e2e/run`);
  return value;
}

export const operatorToken = setting("SLUICE_E2E_OPERATOR_TOKEN");
export const tenantToken = setting("SLUICE_E2E_TENANT_TOKEN");

/** The API, asked directly: the numbers on screen are compared with these. */
export interface Api {
  get<T>(path: string): Promise<T>;
  items<T>(path: string): Promise<T[]>;
  post<T>(path: string, body: unknown): Promise<T>;
}

export async function signIn(page: Page, token: string, path = "/console/"): Promise<void> {
  await page.goto(path);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("banner")).toBeVisible();
}

export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const run = (window as unknown as { axe: typeof axe }).axe.run;
    const options = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
    return (await run(document, options)).violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`,
    );
  });
  expect(violations).toEqual([]);
}

/** The page as it stands, in the theme it has and in the other: colours are the stylesheet's alone. */
export async function expectAccessibleInBothThemes(page: Page): Promise<void> {
  await expectAccessible(page);
  await page.evaluate(() => {
    const { dataset } = document.documentElement;
    dataset.theme = dataset.theme === "dark" ? "light" : "dark";
    document.dispatchEvent(new Event("sluice:theme"));
  });
  await expectAccessible(page);
}

interface Fixtures {
  operator: Api;
  tenant: Api;
  /** Texts that a spec expects in the browser's console; any other error or policy violation fails it. */
  expected: RegExp[];
}

export const test = base.extend<Fixtures & { watch: void }>({
  operator: async ({ playwright, baseURL }, use) => use(await apiOf(playwright, baseURL, operatorToken)),
  tenant: async ({ playwright, baseURL }, use) => use(await apiOf(playwright, baseURL, tenantToken)),
  expected: [[], { option: true }],
  watch: [
    async ({ page, expected }, use) => {
      const troubles: string[] = [];
      page.on("pageerror", (error) => troubles.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error" || /Content.Security.Policy/i.test(message.text()))
          troubles.push(message.text());
      });
      await use();
      expect(troubles.filter((text) => !expected.some((pattern) => pattern.test(text)))).toEqual([]);
    },
    { auto: true },
  ],
});

async function apiOf(
  playwright: typeof import("playwright-core"),
  baseURL: string | undefined,
  token: string,
): Promise<Api> {
  const context = await playwright.request.newContext({
    ...(baseURL !== undefined && { baseURL }),
    extraHTTPHeaders: { Authorization: `Bearer ${token}` },
  });
  async function get<T>(path: string): Promise<T> {
    const answer = await context.get(path);
    expect(answer.status(), `GET ${path}: ${await answer.text()}`).toBe(200);
    return (await answer.json()) as T;
  }
  return {
    get,
    async items<T>(path: string): Promise<T[]> {
      const items: T[] = [];
      let page = "";
      for (;;) {
        const next = await get<{ items: T[]; next_page: string | null }>(`${path}?limit=1000${page}`);
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

export { expect };
