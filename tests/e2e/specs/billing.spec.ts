// Billing: what is shown is what the API says, and what is done is previewed, done and seen.
import { expect, expectAccessibleInBothThemes, operatorToken, signIn, test, visit } from "./support";

// What a form would be refused is asked and answered while it is filled in.
test.use({ expected: [/409|422/] });

const SECTIONS = [
  "tenants",
  "payments",
  "grants",
  "invoices",
  "credit-notes",
  "close",
  "prices",
  "commitments",
  "discounts",
  "policies",
  "taxes",
  "profiles",
  "statements",
  "focus",
];

test("a_credit_limit_is_refused_at_its_field_and_then_set", async ({ page, operator }) => {
  await signIn(page, operatorToken, "/console/billing?section=tenants&open=zephyr USD");
  const balances = await operator.items("/v1/system/balances");
  await expect(page.getByRole("group", { name: "Balances of tenants" }).getByRole("table")).toHaveAttribute(
    "aria-rowcount",
    String(balances.length + 1),
  );
  await page.getByRole("region", { name: "zephyr in USD" }).getByRole("button", { name: "Set limit" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/Limit/).fill("-1.00");
  await dialog.getByLabel(/Limit/).blur();
  await expect(dialog.getByText("must not be negative")).toBeVisible();
  await dialog.getByLabel(/Limit/).fill("9000000.00");
  await expect(dialog.getByText("must not be negative")).toHaveCount(0);
  await dialog.getByRole("button", { name: "Set limit" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByRole("row", { name: /zephyr/ })).toContainText("$9,000,000.00");
});

test("a_version_of_a_price_takes_its_place_on_the_line", async ({ page }) => {
  await signIn(page, operatorToken, "/console/billing?section=prices&find=reserved: list");
  const group = page.getByRole("region", { name: "h100.8x, reserved: list price" });
  await expect(group.getByRole("row")).toHaveCount(2);
  await group.getByRole("button", { name: "Add a version" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Price of a GPU-hour").fill("cheap");
  await dialog.getByLabel(/^From/).fill("2026-03-01T00:00");
  await dialog.getByRole("button", { name: "Add a version" }).click();
  await expect(dialog.locator('[name="/gpu_hour/amount"]')).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Price of a GPU-hour").fill("2.190000");
  await expect(dialog.getByRole("region", { name: "Effect" })).toContainText("$2.19 a GPU-hour from 1 Mar 2026");
  await dialog.getByRole("button", { name: "Add a version" }).click();
  await expect(group.getByRole("row")).toHaveCount(3);
  await expect(group.getByRole("row", { name: /to come/ })).toContainText("$2.19");
});

test("every_part_of_billing_is_accessible_in_both_themes", async ({ page }) => {
  await signIn(page, operatorToken, "/console/billing");
  for (const section of SECTIONS) {
    await visit(page, `/console/billing?section=${section}`);
    await expectAccessibleInBothThemes(page);
  }
});
