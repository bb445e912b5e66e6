// What nobody likes to look at: pages that wait or fail, what one may not do, and names of any length.
import type { Page } from "@playwright/test";
import {
  expect,
  expectAccessible,
  expectAccessibleInBothThemes,
  operatorToken,
  present,
  signIn,
  tenantToken,
  test,
} from "./support";

const AWAY = {
  status: 503,
  json: { title: "The database cannot be reached", code: "database_unavailable", retryable: true },
};

test.describe("while a part of the API fails", () => {
  test.use({ expected: [/503/] });

  test("a_page_says_what_it_is_and_is_asked_for_again_by_itself", async ({ page, operator }) => {
    const node = present((await operator.items<{ id: string; name: string }>("/v1/system/nodes"))[0], "a node");
    await signIn(page, operatorToken);
    await page.route("**/v1/system/nodes/*", (route) => route.fulfill(AWAY));
    await page.goto(`/console/fleet/nodes/${node.id}`);
    await expect(page.getByRole("heading", { level: 1, name: "Node" })).toBeVisible();
    await expect(page.getByRole("alert")).toContainText("The database cannot be reached");
    await expectAccessibleInBothThemes(page);
    await page.unroute("**/v1/system/nodes/*");
    await expect(page.getByRole("heading", { level: 1, name: node.name })).toBeVisible();
  });

  test("one_press_asks_for_all_that_failed", async ({ page }) => {
    const parts = /\/v1\/system\/(queues|attention)/;
    await signIn(page, operatorToken, "/console/maintenance");
    await page.route(parts, (route) => route.fulfill({ ...AWAY, json: { ...AWAY.json, retryable: false } }));
    await page.goto("/console/overview");
    await expect(page.getByRole("alert")).toHaveCount(2);
    await page.unroute(parts);
    await page.getByRole("button", { name: "Try again" }).first().click();
    await expect(page.getByRole("alert")).toHaveCount(0);
  });
});

test.describe("without the network", () => {
  test.use({ expected: [/ERR_|Failed to (load|fetch)|network error/i], viewport: { width: 1024, height: 800 } });

  test("the_page_stays_where_it_is", async ({ page, context }) => {
    const height = (): Promise<number | undefined> =>
      page
        .getByRole("banner")
        .boundingBox()
        .then((box) => box?.height);
    await signIn(page, operatorToken);
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    const before = present(await height(), "its height");
    await context.setOffline(true);
    await expect(page.getByText(/^Stale since/)).toBeVisible();
    expect(await height()).toBe(before);
    await context.setOffline(false);
  });

  test("a_page_whose_code_does_not_come_says_so", async ({ page }) => {
    await signIn(page, operatorToken);
    await page.route(/\/assets\/(?!index-)[^/]*\.js$/, (route) => route.abort());
    await page.getByRole("link", { name: "Audit" }).click();
    await expect(page.getByRole("alert")).toContainText("This page could not be shown");
    await expectAccessible(page);
    await page.unroute(/\/assets\/(?!index-)[^/]*\.js$/);
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Audit" })).toBeVisible();
  });
});

/** How far the page asked for a list, as the addresses say. */
function asked(page: Page, path: RegExp): URL[] {
  const addresses: URL[] = [];
  page.on("request", (request) => path.test(request.url()) && addresses.push(new URL(request.url())));
  return addresses;
}

test("deliveries_without_number_are_looked_at_by_their_newest_alone", async ({ page, tenant }) => {
  const { id } = await tenant.post<{ id: string }>("/v1/webhooks", {
    url: "http://127.0.0.1:1/",
    events: ["webhook.none"],
  });
  const addresses = asked(page, /\/deliveries/);
  await page.route("**/deliveries?*", async (route) => {
    const items = Array.from({ length: 100 }, (_, number) => ({
      ...{
        id: `whd_${route.request().url().length}_${number}`,
        event: "1-1-1",
        kind: "reservation.created",
        state: "delivered",
      },
      ...{ attempts: 1, next_attempt_at: null, last_attempt_at: null, response_status: 204, response_snippet: null },
      ...{ error: null, created_at: "2026-01-12T08:00:00Z" },
    }));
    await route.fulfill({ json: { items, next_page: `after-${addresses.length}` } });
  });
  await signIn(page, tenantToken, `/console/webhooks/${id}`);
  await expect(page.getByText("the newest 100")).toBeVisible();
  await expect.poll(() => addresses.length).toBeGreaterThan(2);
  expect(addresses.map(({ searchParams }) => [searchParams.get("order"), searchParams.get("page")])).toEqual(
    addresses.map(() => ["newest", null]),
  );
});

test("nobody_is_offered_the_text_of_anothers_token_nor_a_role_beyond_their_own", async ({ page, operator }) => {
  const tokenOf = (name: string, role: string, kind: string): Promise<{ token: string }> =>
    operator.post("/v1/system/tokens", { tenant: "acme", role, name, principal: name, principal_kind: kind });
  const person = `ben-${Date.now()}`;
  const { token } = await tokenOf(person, "member", "user");
  await tokenOf(`${person}-job`, "member", "service_account");
  const rotate = (name: string) =>
    page
      .getByRole("row")
      .filter({ has: page.getByText(name, { exact: true }) })
      .getByRole("button", { name: /^Rotate/ });

  await signIn(page, tenantToken, "/console/access");
  await expect(rotate(`${person}-job`)).toHaveAttribute("aria-disabled", "false");
  await expect(rotate(person)).toHaveAttribute("aria-disabled", "true");
  await expect(rotate(person)).toContainText(`it stands for ${person}, who alone may have its text`);

  await signIn(page, token, "/console/access");
  await expect(rotate(person)).toHaveAttribute("aria-disabled", "false");
  await page.getByRole("button", { name: "Make a token" }).click();
  await expect(page.getByRole("dialog").getByLabel("Role").getByRole("option")).toHaveText(["viewer", "member"]);
  await expect(page.getByRole("dialog").getByLabel("For")).toHaveCount(0);
});

test.describe("beside a name as long as they come", () => {
  test.use({ viewport: { width: 1024, height: 800 } });
  test("what_can_be_done_stays_in_sight", async ({ page, tenant }) => {
    const name = `the-token-of-a-pipeline-that-says-everything-it-knows-about-itself-${Date.now()}`;
    await tenant.post("/v1/tokens", { name, role: "viewer" });
    await signIn(page, tenantToken, "/console/access");
    const row = page.getByRole("row").filter({ hasText: name });
    const cell = row.getByRole("cell").first();
    await expect(row.getByRole("button", { name: "Revoke" })).toBeInViewport({ ratio: 1 });
    expect(present(await cell.boundingBox(), "its box").width).toBeLessThanOrEqual(1024 / 2);
    await cell.hover();
    await expect(cell).toHaveAttribute("title", name);
    await expectAccessibleInBothThemes(page);
  });
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 } });
  test("the_list_comes_first_and_what_narrows_it_behind_a_button", async ({ page }) => {
    await signIn(page, tenantToken, "/console/reservations");
    await expect(page.getByRole("link", { name: "eval-nightly" })).toBeInViewport({ ratio: 1 });
    await expect(page.getByLabel("State")).toBeHidden();
    await page.getByRole("button", { name: "Filters" }).click();
    await page.getByLabel("State").selectOption("ended");
    await expect(page).toHaveURL(/state=ended/);
    await expect(page.getByRole("button", { name: "Filters: 1" })).toHaveAttribute("aria-expanded", "true");
    await expectAccessibleInBothThemes(page);
  });
});

test.describe("by keyboard", () => {
  test.use({ viewport: { width: 1024, height: 800 } });

  test("a_dialog_that_asks_nothing_begins_at_its_button_and_gives_the_focus_back", async ({ page, tenant }) => {
    const { id } = await tenant.post<{ id: string }>("/v1/webhooks", {
      url: "http://127.0.0.1:1/",
      events: ["webhook.none"],
    });
    await signIn(page, tenantToken, `/console/webhooks/${id}`);
    const pause = page.getByRole("button", { name: "Pause" });
    await pause.first().focus();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog").getByRole("button", { name: "Pause" })).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toBeHidden();
    await expect(pause).toBeFocused();
  });

  test("what_has_the_focus_is_not_behind_what_stays_in_sight", async ({ page }) => {
    await signIn(page, tenantToken, "/console/access");
    await expect(page.getByRole("row").nth(1)).toBeVisible();
    const heads = page.getByRole("columnheader").getByRole("button");
    for (const head of await heads.all()) {
      await head.focus();
      const covered = await head.evaluate((button) => {
        const { left, right, top, bottom } = button.getBoundingClientRect();
        return !button.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
      });
      expect(covered, present(await head.textContent(), "its name")).toBe(false);
    }
  });
});

test("what_there_is_one_of_is_chosen_already", async ({ page }) => {
  await signIn(page, tenantToken, "/console/reserve");
  await expect(page.getByRole("radio", { name: /h100\.8x/ })).toBeChecked();
  await expect(page.getByRole("link", { name: "Continue: when" })).toBeVisible();
});
