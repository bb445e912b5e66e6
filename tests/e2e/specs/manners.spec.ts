// What holds on every page: keys, themes, the network, the policy.
import { expect, expectAccessible, operatorToken, signIn, test } from "./support";

test("keys_go_to_pages_and_the_heading_gets_the_focus", async ({ page }) => {
  await signIn(page, operatorToken);
  for (const [key, title] of [
    ["r", "Reservations"],
    ["e", "Economics"],
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

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });
    test(`every_page_is_accessible_in_${colorScheme}`, async ({ page }) => {
      await page.goto("/console/");
      await expect(page.locator("html")).toHaveAttribute("data-theme", colorScheme);
      await expect(page.getByLabel("Token")).toBeVisible();
      await expectAccessible(page);
      await signIn(page, operatorToken);
      await page.locator(".map canvas").focus();
      await page.keyboard.press("ArrowRight");
      await expect(page.getByRole("complementary")).toBeVisible();
      await expectAccessible(page);
      await page.goto("/console/reservations");
      await expect(page.getByRole("table")).toBeVisible();
      await expectAccessible(page);
    });
  });
}

test("the_chosen_theme_outlives_a_reload", async ({ page }) => {
  await signIn(page, operatorToken);
  await page.getByRole("button", { name: /Switch to/ }).click();
  const theme = await page.locator("html").getAttribute("data-theme");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", theme ?? "");
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
