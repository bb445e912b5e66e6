// Economics, compared with what the API says.
import { expect, operatorToken, signIn, test } from "./support";

test.describe("economics", () => {
  test("shows_the_totals_of_the_api", async ({ page, operator }) => {
    const { domain_time } = await operator.get<{ domain_time: string }>("/v1/me");
    const day = (ago: number): string =>
      new Date(Date.parse(domain_time.slice(0, 10)) - ago * 86_400_000).toISOString().slice(0, 10);
    const margin = await operator.get<{
      totals: { revenue: { amount: string } };
      items: unknown[];
      idle: { cause: string }[];
    }>(`/v1/system/margin?by=day&from=${day(30)}&to=${day(0)}`);
    expect(Number(margin.totals.revenue.amount)).toBeGreaterThan(0);
    const revenue = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" }).format(
      Number(margin.totals.revenue.amount),
    );
    await signIn(page, operatorToken, "/console/economics");
    await expect(page.locator(".stat").filter({ has: page.getByText("Revenue", { exact: true }) })).toContainText(
      revenue,
    );
    await page.locator(".chart canvas").focus();
    await page.keyboard.press("ArrowLeft");
    await expect(page.locator(".readout")).toContainText("margin");
    await page.getByText("The same as a table").click();
    const table = page.getByRole("group", { name: "Revenue against amortization by day" }).getByRole("row");
    await expect(table).toHaveCount(margin.items.length + 1);
    await expect(page.getByRole("group", { name: "Idle by cause" }).getByRole("row")).toHaveCount(
      margin.idle.length + 1,
    );
    await page.getByRole("button", { name: "90 days" }).click();
    await expect(page).toHaveURL(/days=90/);
  });
});
