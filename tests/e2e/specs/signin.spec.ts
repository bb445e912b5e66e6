// Getting in and out.
import type { Page } from "@playwright/test";
import { expect, expectAccessible, FELT_SOON, operatorToken, test } from "./support";

async function signInByToken(page: Page): Promise<void> {
  await page.goto("/console/");
  await page.getByLabel("Token").fill(operatorToken);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("banner")).toBeVisible();
}

test.describe("signing in", () => {
  test("a_token_opens_the_console_and_is_kept_nowhere", async ({ page, context }) => {
    await signInByToken(page);
    await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
    const seen = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
    expect(seen).toEqual([0, 0, ""]);
    const [cookie, ...others] = await context.cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({
      name: "__Host-sluice",
      httpOnly: true,
      secure: true,
      sameSite: "Strict",
      path: "/",
    });
    expect(cookie?.value).not.toContain(operatorToken.split("_")[3]);
    await page.reload();
    await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
    const other = await context.newPage();
    await other.goto("/console/");
    await expect(other.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
  });

  test("signing_out_ends_the_session_and_takes_the_cookie", async ({ page, context }) => {
    await signInByToken(page);
    const kept = await context.cookies();
    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByLabel("Token")).toBeVisible();
    expect(await context.cookies()).toEqual([]);
    const head = { Cookie: kept.map(({ name, value }) => `${name}=${value}`).join("; ") };
    const use = async (): Promise<number> => (await page.request.get("/v1/me", { headers: head })).status();
    await expect.poll(use, FELT_SOON).toBe(401);
  });

  test.describe("with a wrong token", () => {
    test.use({ expected: [/401/] });
    test("the_problem_is_shown_and_nothing_is_kept", async ({ page }) => {
      await page.goto("/console/");
      await page.getByLabel("Token").fill("slu_nobody");
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await expect(page.getByRole("alert")).toContainText("unauthenticated");
      await expect(page.getByLabel("Token")).toBeVisible();
      expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
      await expectAccessible(page);
    });
  });
});

test("a_person_signs_in_at_the_identity_provider_and_out_everywhere", async ({ page }) => {
  await page.goto("/console/");
  const way = page.getByRole("button", { name: /^Sign in with / });
  test.skip((await way.count()) === 0, "this Sluice knows no identity provider");
  await way.click();
  await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
  await page.getByRole("button", { name: /^Account of ana/ }).click();
  await page.getByRole("link", { name: "Sessions, sign out everywhere" }).click();
  await expect(page.getByRole("group", { name: "Sessions" })).toContainText("this one");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(page.getByText("you signed out everywhere")).toBeVisible();
});
