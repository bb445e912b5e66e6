// Overview, audit and system, compared with what the API says.
import {
  expect,
  expectAccessible,
  expectAccessibleInBothThemes,
  FELT_SOON,
  operatorToken,
  present,
  signIn,
  test,
} from "./support";

const counted = new Intl.NumberFormat("en-US");

test("the_overview_says_what_there_is_and_leads_to_what_needs_a_hand", async ({ page, operator }) => {
  const parts = await operator.items<{ gpus_delivered: number }>("/v1/system/governance");
  const delivered = parts.reduce((sum, part) => sum + part.gpus_delivered, 0);
  const attention = await operator.items<{ kind: string; count: number }>("/v1/system/attention");
  await signIn(page, operatorToken);
  await expect(page.locator(".stat").filter({ hasText: "Delivered" })).toContainText(counted.format(delivered));
  const pressing = attention.filter((one) => one.count > 0);
  await expect(page.locator(".concerns li")).toHaveCount(pressing.length);
  if (pressing.length === 0) await expect(page.getByText("Nothing needs a hand")).toBeVisible();
});

test("what_waits_for_the_virtual_clock_does_not_look_like_a_fault", async ({ page }) => {
  const items = [{ name: "billing", depth: 18, lag_s: 700 }];
  await page.route("**/v1/system/queues*", (route) => route.fulfill({ json: { items, next_page: null } }));
  await signIn(page, operatorToken);
  const lag = page.getByRole("region", { name: "Lag" });
  await expect(lag).toContainText("18 wait, the oldest for 11 min 40 s");
  await expect(lag).toContainText("Events wait for the virtual clock");
});

test("the_audit_is_filtered_in_the_address_and_tells_before_and_after", async ({ page, operator }) => {
  await signIn(page, operatorToken, "/console/audit?span=all");
  await expect(page.getByText("chain is whole")).toBeVisible();
  const rows = await operator.items<{ id: string; action: string; object: string | null; result: string }>(
    "/v1/system/audit",
  );
  const cordon = present(
    rows.find((row) => row.action.endsWith("/cordon") && row.result === "ok"),
    "a cordon",
  );
  await page.getByRole("searchbox").fill("cordon");
  await expect(page).toHaveURL(/find=cordon/);
  await page.getByRole("searchbox").blur();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/row=aud_/);
  await page.goto(`/console/audit?span=all&row=${cordon.id}`);
  const detail = page.getByRole("complementary", { name: "Audit row" });
  await expect(detail.getByRole("region", { name: "Before and after" })).toContainText("node cordoned");
  await expectAccessible(page);
  const made = present(
    rows.find((row) => row.action === "POST /v1/reservations" && row.result === "ok"),
    "a reservation made",
  );
  await page.goto(`/console/audit?span=all&row=${made.id}`);
  await expect(detail.getByRole("region", { name: "Before and after" })).toContainText("reservation created");
  await page.getByRole("button", { name: "refused", exact: true }).click();
  await expect(page).toHaveURL(/result=refused/);
});

test("the_system_tells_leaders_and_drift", async ({ page }) => {
  await signIn(page, operatorToken, "/console/system");
  const leaders = page.getByRole("group", { name: "Leaders" });
  await expect(leaders).toContainText("Zone us-east-1a");
  await expect(leaders).toContainText("Billing");
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page.getByText("no drift")).toBeVisible();
});

test("a_paused_zone_is_told_on_every_page_until_it_is_resumed", async ({ page, operator }) => {
  const [zone] = await operator.items<{ id: string }>("/v1/system/reconciler");
  await signIn(page, operatorToken, "/console/system");
  const row = page.getByRole("group", { name: "Reconcilers" }).getByRole("row").filter({ hasText: "us-east-1a" });
  await expect(row).toContainText("works");
  await row.getByRole("button", { name: "Pause" }).click();
  const dialog = page.getByRole("dialog", { name: "Pause us-east-1a" });
  const [wide, seen] = await dialog.evaluate((element) => [element.scrollWidth, element.clientWidth]);
  expect(wide, "what a pause does is read whole").toBeLessThanOrEqual(seen ?? 0);
  await dialog.getByLabel("Reason").fill("switch s3 flaps");
  await dialog.getByRole("button", { name: "Pause", exact: true }).click();
  const told = page.getByRole("status", { name: "Paused zones" });
  try {
    await expect(told).toContainText("us-east-1a is paused: switch s3 flaps");
    await expect(row).toContainText("paused");
    await expectAccessibleInBothThemes(page);
    await page.goto("/console/overview");
    await expect(page.locator(".concerns")).toContainText("Zones that operators have paused");
    await told.getByRole("link").click();
    await row.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resume", exact: true }).click();
    await expect(row).toContainText("works");
    await expect(told).toHaveCount(0);
  } finally {
    await operator.post(`/v1/system/reconciler/${present(zone, "a zone").id}/resume`, {});
  }
});

test.describe("a tenant", () => {
  test.use({ expected: [/422|409/] });
  test("is_made_gets_a_token_that_works_once_shown_and_loses_it", async ({ page, playwright, baseURL }) => {
    const name = `made-${Date.now()}`;
    await signIn(page, operatorToken, "/console/system?tab=tenants");
    await page.getByRole("button", { name: "Create tenant" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Not A Name");
    await dialog.getByLabel(/^Currency/).focus();
    await expect(dialog.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
    await dialog.getByLabel("Name").fill(name);
    await expect(dialog.getByRole("region", { name: "Effect" })).toContainText("It would be accepted");
    await dialog.getByRole("button", { name: "Create tenant" }).click();
    await expect(page.getByRole("heading", { name: `Tokens of ${name}` })).toBeVisible();
    await page.getByRole("button", { name: "Create token" }).click();
    await dialog.getByLabel("Name").fill("first");
    await dialog.getByRole("button", { name: "Create token" }).click();
    const token = present(await dialog.locator("code").textContent(), "the token");
    const asIt = await playwright.request.newContext({
      ...(baseURL !== undefined && { baseURL }),
      extraHTTPHeaders: { Authorization: `Bearer ${token}` },
    });
    expect((await asIt.get("/v1/me")).status()).toBe(200);
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByRole("group", { name: "Tokens" }).getByRole("button", { name: "Revoke", exact: true }).click();
    await expect(dialog.getByRole("button", { name: "Revoke" })).toBeDisabled();
    await dialog.getByLabel("Type first to confirm").fill("first");
    await dialog.getByRole("button", { name: "Revoke" }).click();
    await expect(page.getByText("revoked", { exact: true })).toBeVisible();
    await expect.poll(async () => (await asIt.get("/v1/me")).status(), FELT_SOON).toBe(401);
  });
});
