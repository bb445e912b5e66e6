// Pictures of every page in both themes, for the docs: tests/e2e/run --screenshots docs/screenshots
import { expect, operatorToken, signIn, test } from "./support";

const folder = process.env.SLUICE_E2E_SCREENSHOTS ?? "";
test.skip(folder === "", "only when asked for");

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme, deviceScaleFactor: 2 });
    test(`pictures_in_${colorScheme}`, async ({ page }) => {
      const picture = async (name: string): Promise<void> => {
        await page.mouse.move(0, 0);
        await expect(page.getByText("Live", { exact: true })).toBeVisible();
        await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
      };
      await signIn(page, operatorToken);
      await expect(page.locator(".map canvas")).toBeVisible();
      await picture("fleet");
      await page.getByRole("link", { name: "Reservations" }).click();
      await expect(page.getByRole("table")).toBeVisible();
      await picture("reservations");
      await page.getByRole("link", { name: "Economics" }).click();
      await expect(page.locator(".chart svg").first()).toBeVisible();
      await picture("economics");
    });
  });
}
