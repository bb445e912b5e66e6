// What the specs share: who signs in, what the API says itself, and what must never happen on any page.
import { expect, test as base, type Locator, type Page } from "@playwright/test";
import axe from "axe-core";
import { apiOf, present, type Api } from "./api";
import { stack } from "./stack";

export const operatorToken = stack.operator_token;
export const tenantToken = stack.tenant_token;

/** The end of a token or session is felt within a second; a crowded machine takes some besides. */
export const FELT_SOON = { timeout: 5_000 };

const sessions = new Map<string, string>();

/** The value of the cookie of a session for the token: begun once, as the console's form does. */
async function beginSession(page: Page, token: string): Promise<string> {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await page.request.post("/v1/sessions", { headers, data: {} });
  const cookie = /^__Host-sluice=([^;]+)/.exec(answer.headers()["set-cookie"] ?? "");
  if (cookie?.[1] === undefined) throw new Error(`POST /v1/sessions: ${answer.status()} ${await answer.text()}`);
  return cookie[1];
}

/** Opens a page as who holds the token, with a session that is there already; the form has a spec of its own (signin). */
export async function signIn(page: Page, token: string, path = "/console/"): Promise<void> {
  await test.step("sign in", async () => {
    const session = sessions.get(token) ?? (await beginSession(page, token));
    sessions.set(token, session);
    await page.context().addCookies([
      {
        name: "__Host-sluice",
        value: session,
        domain: new URL(stack.url).hostname,
        path: "/",
        secure: true,
        httpOnly: true,
        sameSite: "Strict",
      },
    ]);
    await page.goto(path);
    await expect(page.getByRole("banner")).toBeVisible();
  });
}

/** Goes to another page of the console as a link does, without loading the document anew, and waits until all of it is there. */
export async function visit(page: Page, path: string): Promise<void> {
  await test.step(`visit ${path}`, async () => {
    await page.evaluate(async (href) => {
      const { __TSR_ROUTER__: router } = window as unknown as {
        __TSR_ROUTER__: { navigate(to: { href: string }): Promise<void> };
      };
      await router.navigate({ href });
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    }, path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.getByText(/^Loading/)).toHaveCount(0);
  });
}

/** A reservation of one instance for a day to come, under a name of its own. */
export async function dayReserved(tenant: Api, prefix: string): Promise<{ id: string; name: string }> {
  const name = `${prefix}-${Date.now()}`;
  const made = await tenant.post<{ id: string }>("/v1/reservations", {
    name,
    instance_type: "h100.8x",
    count: 1,
    zone: "us-east-1a",
    starts_at: "2026-03-01T00:00:00Z",
    ends_at: "2026-03-02T00:00:00Z",
  });
  return { id: made.id, name };
}

/** The row of a table that links to what has the name. */
export function rowOf(page: Page, name: string): Locator {
  return page.getByRole("row").filter({ has: page.getByRole("link", { name }) });
}

const WCAG_AND_PRACTICE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** The rules that colours decide: a theme changes nothing else. */
const COLOURS = ["color-contrast", "link-in-text-block"];

async function violations(page: Page, runOnly: axe.RunOptions["runOnly"]): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  return page.evaluate(async (only) => {
    const options = { runOnly: only, resultTypes: ["violations"], selectors: false, preload: false, iframes: false };
    const { run } = (window as unknown as { axe: typeof axe }).axe;
    return (await run(document, options as axe.RunOptions)).violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`,
    );
  }, runOnly);
}

/** The page as it stands, in the theme it has. */
export async function expectAccessible(page: Page): Promise<void> {
  await test.step("axe", async () => expect(await violations(page, WCAG_AND_PRACTICE)).toEqual([]));
}

/** The page as it stands, in the theme it has and, by its colours, in the other. */
export async function expectAccessibleInBothThemes(page: Page): Promise<void> {
  await expectAccessible(page);
  await test.step("axe", async () => {
    const theme = await page.evaluate(() => {
      const { dataset } = document.documentElement;
      dataset.theme = dataset.theme === "dark" ? "light" : "dark";
      document.dispatchEvent(new Event("sluice:theme"));
      return dataset.theme;
    });
    expect(await violations(page, { type: "rule", values: COLOURS }), `in ${theme}`).toEqual([]);
  });
}

interface Fixtures {
  /** Texts that a spec expects in the browser's console; any other error or policy violation fails it. */
  expected: RegExp[];
  watch: void;
}

export const test = base.extend<Fixtures, { operator: Api; tenant: Api }>({
  operator: [async ({ playwright }, use) => use(await apiOf(playwright, operatorToken)), { scope: "worker" }],
  tenant: [async ({ playwright }, use) => use(await apiOf(playwright, tenantToken)), { scope: "worker" }],
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

export { expect, present, type Api };
