// What holds on every page: keys, themes, the network, the policy.
import {
  dayReserved,
  expect,
  expectAccessible,
  expectAccessibleInBothThemes,
  operatorToken,
  present,
  signIn,
  test,
  visit,
} from "./support";

/** What has no spec of its own that looks at all its parts. */
const PAGES = [
  "overview",
  "reservations",
  "calendar",
  "maintenance",
  "audit",
  "system",
  "system?tab=database",
  "system?tab=tenants&tenant=acme",
  "account",
  "no-such-page",
];

test("keys_go_to_pages_and_the_heading_gets_the_focus", async ({ page }) => {
  await signIn(page, operatorToken);
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  for (const [key, title] of [
    ["r", "Reservations"],
    ["e", "Economics"],
    ["c", "Calendar"],
    ["m", "Maintenance"],
    ["b", "Billing"],
    ["h", "Assets"],
    ["o", "Overview"],
    ["a", "Audit"],
    ["s", "System"],
    ["f", "Fleet"],
  ] as const) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await expect(page.getByRole("heading", { level: 1, name: title })).toBeFocused();
    await expect(page).toHaveTitle(`${title} · Sluice`);
  }
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("every_page_is_accessible_in_both_themes", async ({ page }) => {
  await page.goto("/console/");
  await expect(page.getByLabel("Token")).toBeVisible();
  await expectAccessibleInBothThemes(page);
  await signIn(page, operatorToken, "/console/fleet");
  await page.locator(".map canvas").focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("complementary")).toBeVisible();
  await expectAccessibleInBothThemes(page);
  for (const path of PAGES) {
    await visit(page, `/console/${path}`);
    await expectAccessibleInBothThemes(page);
  }
});

test("the_theme_is_the_systems_until_one_is_chosen_which_outlives_a_reload", async ({ page }) => {
  const html = page.locator("html");
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto("/console/");
    await expect(html).toHaveAttribute("data-theme", colorScheme);
  }
  await signIn(page, operatorToken);
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await expect(html).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(html).toHaveAttribute("data-theme", "dark");
});

test.describe("without the network", () => {
  test.use({ expected: [/ERR_INTERNET_DISCONNECTED|Failed to (load|fetch)|network error/i] });
  test("the_badge_says_since_when_the_screen_is_stale_and_recovers", async ({ page, context }) => {
    await signIn(page, operatorToken);
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    await context.setOffline(true);
    await expect(page.getByText(/^Stale since \d\d:\d\d:\d\d UTC$/)).toBeVisible();
    await context.setOffline(false);
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
  });
});

test("the_answer_carries_the_policy", async ({ request }) => {
  for (const path of ["/console/", "/console/fleet", "/console/reservations/x", "/console/theme.js"]) {
    const answer = await request.get(path);
    expect(answer.status(), path).toBe(200);
    const policy = answer.headers()["content-security-policy"] ?? "";
    const parts = ["default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"];
    expect(policy.split("; "), path).toEqual(expect.arrayContaining(parts));
    expect(policy, path).not.toContain("unsafe");
  }
  expect((await request.get("/console/assets/nothing.js")).status()).toBe(404);
});

test("the_palette_goes_to_pages_and_finds_objects_by_name_and_id", async ({ page, operator }) => {
  const [newest] = await operator.items<{ id: string; name: string }>("/v1/system/reservations");
  const one = present(newest, "a reservation");
  await signIn(page, operatorToken);
  await page.keyboard.press("Control+k");
  const box = page.getByRole("combobox", { name: "Page, action, name or id" });
  await box.fill("syst");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "System" })).toBeFocused();
  await page.keyboard.press("Control+k");
  await box.fill(one.name);
  await expect(page.getByRole("option", { name: one.name }).first()).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/reservations/${one.id}$`));
  await page.keyboard.press("Control+k");
  await box.fill(one.id);
  await expect(page.getByRole("option", { name: one.id })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(box).toBeHidden();
});

test("a_browser_has_one_stream_and_a_second_tab_is_live_by_the_first", async ({ page, context }) => {
  const streams: string[] = [];
  context.on("request", (request) => {
    if (request.headers().accept === "text/event-stream") streams.push(request.url());
  });
  await signIn(page, operatorToken);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  const second = await context.newPage();
  await second.goto("/console/overview");
  await expect(second.getByText("Live", { exact: true })).toBeVisible();
  expect(streams).toHaveLength(1);
  await page.close();
  await expect.poll(() => streams.length).toBe(2);
  await expect(second.getByText("Live", { exact: true })).toBeVisible();
});

test("times_are_utc_or_the_readers_own_and_stay_so", async ({ page }) => {
  await signIn(page, operatorToken, "/console/fleet");
  await expect(page.locator(".clock")).toContainText("UTC");
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("button", { name: "Local", exact: true }).click();
  await expect(page.locator(".clock")).toContainText("GMT+9");
  await page.reload();
  await expect(page.locator(".clock")).toContainText("GMT+9");
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 } });
  test("the_pages_are_behind_a_menu_and_nothing_runs_out_of_the_screen", async ({ page }) => {
    await signIn(page, operatorToken);
    for (const name of ["System", "Audit", "Overview"]) {
      await page.getByRole("button", { name: "Menu" }).click();
      await page.getByRole("link", { name, exact: true }).click();
      await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
      await expect(page.getByRole("link", { name, exact: true })).toBeHidden();
      const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
      expect(wide, name).toBeLessThanOrEqual(seen ?? 0);
    }
    await expectAccessible(page);
  });

  test("a_long_name_leaves_its_row_room_and_is_whole_for_who_listens", async ({ page, tenant }) => {
    const { name } = await dayReserved(tenant, "reserved-by-a-pipeline-that-says-all-it-knows");
    await signIn(page, operatorToken, "/console/reservations");
    const link = page.getByRole("link", { name, exact: true });
    await expect(link).toBeVisible();
    expect(present(await link.boundingBox(), "its box").width).toBeLessThanOrEqual(390 / 2);
  });
});
