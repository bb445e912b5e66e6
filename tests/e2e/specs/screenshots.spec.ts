// Pictures of every page in both themes, for the docs: tests/e2e/run --screenshots docs/screenshots. Which pages there
// are, the navigation says; a node's has its address from the API.
import { expect, operatorToken, present, signIn, tenantToken, test } from "./support";

const folder = process.env.SLUICE_E2E_SCREENSHOTS ?? "";
test.skip(folder === "", "only when asked for");

const AUDIENCES = [
  ["", operatorToken],
  ["tenant-", tenantToken],
] as const;

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });
    for (const [prefix, token] of AUDIENCES) {
      test(`pictures_of_${prefix}pages_in_${colorScheme}`, async ({ page, operator }) => {
        test.setTimeout(120_000);
        await signIn(page, token);
        const links = page.locator("#navigation").getByRole("link");
        const addresses = await links.evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
        const node = present((await operator.items<{ id: string }>("/v1/system/nodes"))[0], "a node");
        if (token === operatorToken) addresses.push(`/console/fleet/nodes/${node.id}`);
        for (const address of addresses) {
          await page.goto(address);
          await expect(page.getByText("Live", { exact: true })).toBeVisible();
          await expect(page.locator(".loading")).toHaveCount(0);
          await page.mouse.move(0, 0);
          const name = address.includes("/nodes/") ? "node" : address.replace("/console/", "").replaceAll("/", "-");
          await page.screenshot({ path: `${folder}/${prefix}${name}-${colorScheme}.png` });
        }
      });
    }
  });
}
