// What a tenant sees and does: its own, and nothing else.
import type { Locator, Page } from "@playwright/test";
import {
  expect,
  expectAccessible,
  expectAccessibleInBothThemes,
  FELT_SOON,
  present,
  signIn,
  tenantToken,
  test,
  visit,
} from "./support";

interface Reservation {
  id: string;
  name: string | null;
  tenant: string;
  count: number;
  status: { state: string };
}

const PAGES = [
  "reservations",
  "reserve",
  "availability",
  "quotes",
  "usage",
  "invoices",
  "credit",
  "access",
  ...["ssh_keys", "members", "service_accounts", "projects", "activity"].map((tab) => `access?tab=${tab}`),
  "webhooks",
];
const WHAT = "type=h100.8x&zone=us-east-1a";

/** Gets there by the Tab key alone. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let presses = 0; presses < 120; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("Tab does not get there");
}

test.describe("of what is not its own", () => {
  test.use({ expected: [/40[34]/] });
  test("a_tenant_sees_nothing", async ({ page, tenant, operator }) => {
    const mine = await tenant.items<Reservation>("/v1/reservations");
    const others = (await operator.items<Reservation>("/v1/system/reservations")).filter(
      (one) => one.tenant !== "acme",
    );
    await signIn(page, tenantToken);
    await expect(page.getByRole("heading", { name: "Reservations", level: 1 })).toBeVisible();
    await expect(page.getByRole("table")).toHaveAttribute("aria-rowcount", String(mine.length + 1));
    for (const name of ["Fleet", "Economics"]) await expect(page.getByRole("link", { name })).toHaveCount(0);
    const other = present(others[0], "another's reservation");
    await page.goto(`/console/reservations/${other.id}`);
    await expect(page.getByRole("alert").first()).toContainText("not_found");
    await expect(page.getByText(present(other.name, "its name"))).toHaveCount(0);
    for (const path of ["fleet", "economics"]) {
      await page.goto(`/console/${path}`);
      await expect(page.getByText("This page is not for the role admin")).toBeVisible();
    }
  });
});

test("reserving_needs_no_mouse_and_survives_reload_and_back", async ({ page }) => {
  const name = `keys-${Date.now()}`;
  await signIn(page, tenantToken, "/console/reserve");
  await tabTo(page, page.getByRole("radio", { name: /h100\.8x/ }));
  await page.keyboard.press("Space");
  await tabTo(page, page.getByLabel("Zone"));
  await page.keyboard.type("us-east-1a");
  await tabTo(page, page.getByLabel("Name"));
  await page.keyboard.type(name);
  await tabTo(page, page.getByRole("checkbox", { name: "ana" }));
  await page.keyboard.press("Space");
  await tabTo(page, page.getByRole("link", { name: "Continue: when" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "When", level: 2 })).toBeFocused();
  const calendar = page.getByRole("table", { name: "Free instances by day (UTC)" });
  await tabTo(page, calendar.getByRole("button").first());
  for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "Enter", "ArrowRight", "Enter"])
    await page.keyboard.press(key);
  await expect(page.getByRole("radio", { name: /fixed time/ })).toBeChecked();
  await page.reload();
  await expect(calendar.locator("[aria-pressed=true]")).toHaveCount(2);
  await tabTo(page, page.getByRole("link", { name: "Continue: price and confirm" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText(/\$[\d,]+\.\d\d, estimated, before tax/)).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("heading", { name: "When", level: 2 })).toBeVisible();
  await page.goForward();
  await expect(page.getByRole("list").getByText("earliest")).toBeVisible();
  await expectAccessible(page);
  await tabTo(page, page.getByRole("button", { name: "Reserve now" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name })).toBeFocused();
  await expect(page.getByText("scheduled", { exact: true }).first()).toBeVisible();
});

test.describe("a refusal", () => {
  test.use({ expected: [/409/] });
  test("offers_what_would_fit_as_buttons_which_ask_for_just_that", async ({ page, tenant }) => {
    const address = `/console/reserve?step=price&${WHAT}&count=72&when=fixed&start=2026-02-10T00:00:00Z&end=2026-02-11T00:00:00Z`;
    await signIn(page, tenantToken, address);
    await expect(page.getByText(/72 whole nodes in zone us-east-1a: \d+ free/)).toBeVisible();
    await expect(page.getByRole("button", { name: /^Reserve now/ })).toHaveAttribute("aria-disabled", "true");
    const smaller = page.getByRole("button", { name: /^\d+ instead of 72$/ });
    const fits = Number((await smaller.textContent())?.split(" ")[0]);
    const [request] = await Promise.all([
      page.waitForRequest((sent) => sent.method() === "POST" && sent.url().endsWith("/v1/reservations")),
      smaller.click().then(() => page.getByRole("dialog").locator("button[type=submit]").click()),
    ]);
    expect(request.postDataJSON()).toMatchObject({ count: fits, starts_at: "2026-02-10T00:00:00Z" });
    await expect(page).toHaveURL(/\/console\/reservations\/rsv_/);
    const made = await tenant.get<Reservation>(`/v1/reservations/${page.url().split("/").at(-1)}`);
    expect(made).toMatchObject({ count: fits, status: { state: "scheduled" } });
    await tenant.post(`/v1/reservations/${made.id}/cancel`, {});
  });
});

test.describe("a quote", () => {
  test.use({ expected: [/404/] });
  test("a_quote_is_held_then_taken_up_or_let_go", async ({ page }) => {
    await signIn(
      page,
      tenantToken,
      `/console/reserve?step=price&${WHAT}&when=fixed&start=2026-02-20T00:00:00Z&end=2026-02-21T00:00:00Z`,
    );
    await page.getByRole("button", { name: "Hold it as a quote" }).click();
    await expect(page).toHaveURL(/\/quotes\?quote=quo_/);
    const held = page.getByRole("region", { name: "Quote", exact: true });
    await expect(held.getByRole("timer")).toContainText("min");
    await expect(held).toContainText(/\$[\d,.]+ before tax/);
    await held.getByRole("button", { name: "Reserve it" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Reserve it" }).click();
    await expect(page).toHaveURL(/\/reservations\/rsv_/);
    await page.goto("/console/quotes");
    await page.getByRole("link", { name: "bid" }).click();
    await page.getByRole("region", { name: "Quote", exact: true }).getByRole("button", { name: "Let go" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Let go" }).click();
    await expect(page.getByRole("dialog")).toBeHidden();
    await expect(page.getByRole("timer")).toHaveCount(0);
  });
});

test.describe("a token", () => {
  test.use({ expected: [/422/] });
  test("a_tokens_text_is_shown_once_and_a_revoked_one_is_refused", async ({ page, request }) => {
    const name = `ci-${Date.now()}`;
    await signIn(page, tenantToken, "/console/access");
    await page.getByRole("button", { name: "Make a token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("Scopes").fill("reservations:read");
    await dialog.getByRole("button", { name: "Make a token" }).click();
    const text = present(await dialog.locator("code").first().textContent(), "the token");
    const use = (): Promise<number> =>
      request
        .get("/v1/reservations", { headers: { Authorization: `Bearer ${text}` } })
        .then((answer) => answer.status());
    expect(await use()).toBe(200);
    await dialog.getByRole("button", { name: "Close" }).click();
    await expect(page.getByText(text)).toHaveCount(0);
    const row = page.getByRole("row").filter({ hasText: name });
    await row.getByRole("button", { name: "Revoke" }).click();
    await dialog.getByLabel(`Type ${name} to confirm`).fill(name);
    await dialog.getByRole("button", { name: "Revoke" }).click();
    await expect(row).toContainText("revoked");
    await expect.poll(use, FELT_SOON).toBe(401);
  });
});

test("usage_is_summed_up_as_the_api_has_it", async ({ page, tenant }) => {
  const { items } = await tenant.get<{ items: { key: string; amount: { amount: string } }[] }>(
    "/v1/usage-summary?by=day",
  );
  const billed = items.reduce((sum, item) => sum + Number(item.amount.amount), 0);
  expect(billed).toBeGreaterThan(0);
  await signIn(page, tenantToken, "/console/usage");
  const stat = page.locator(".stat").filter({ hasText: "Billed, before tax" });
  await expect(stat).toContainText(billed.toLocaleString("en-US", { style: "currency", currency: "USD" }));
  await page.getByRole("link", { name: "by project" }).click();
  await expect(page).toHaveURL(/by=project/);
  await expect(page.getByRole("cell", { name: "default" })).toBeVisible();
});

test("every_page_of_a_tenant_is_accessible_in_both_themes", async ({ page }) => {
  await signIn(page, tenantToken);
  for (const path of PAGES) {
    await visit(page, `/console/${path}`);
    await expectAccessibleInBothThemes(page);
  }
});
