// Economics, compared with what the API says.
import { expect, expectAccessibleInBothThemes, operatorToken, present, signIn, test, visit, type Api } from "./support";

interface Money {
  amount: string;
  currency: string;
}
interface Margin {
  totals: { revenue: Money; cost: Money };
  items: { key: string; margin: Money }[];
  idle: { cause: string }[];
}

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });

async function range(operator: Api, days: number): Promise<string> {
  const { domain_time } = await operator.get<{ domain_time: string }>("/v1/me");
  const day = (ahead: number): string =>
    new Date(Date.parse(domain_time.slice(0, 10)) + ahead * 86_400_000).toISOString().slice(0, 10);
  return `from=${day(1 - days)}&to=${day(1)}`;
}

test("shows_the_totals_of_the_api_and_idle_by_cause_and_day", async ({ page, operator }) => {
  const margin = await operator.get<Margin>(`/v1/system/margin?by=day&${await range(operator, 30)}`);
  expect(Number(margin.totals.revenue.amount)).toBeGreaterThan(0);
  await signIn(page, operatorToken, "/console/economics");
  for (const [name, money] of [
    ["Revenue", margin.totals.revenue],
    ["Cost", margin.totals.cost],
  ] as const) {
    const stat = page.locator(".stat").filter({ has: page.getByText(name, { exact: true }) });
    await expect(stat).toContainText(/[kM]/);
    if (money.amount.endsWith("0000")) await expect(stat).toContainText(dollars.format(Number(money.amount)));
  }
  await page.getByRole("application", { name: /^Revenue and cost/ }).focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page.locator(".readout").first()).toContainText("margin");
  await page.getByText("The same as a table").first().click();
  const table = page.getByRole("group", { name: "Revenue against cost by day" }).getByRole("row");
  await expect(table).toHaveCount(margin.items.length + 1);
  await expect(page.getByRole("group", { name: "Idle by cause" }).getByRole("row")).toHaveCount(margin.idle.length + 1);
  await expect(page.getByRole("application", { name: /^Idle cost by day and cause/ })).toBeVisible();
  await page.getByRole("button", { name: "90 days" }).click();
  await expect(page).toHaveURL(/days=90/);
});

test("tells_margin_by_what_the_address_asks_for", async ({ page, operator }) => {
  const margin = await operator.get<Margin>(`/v1/system/margin?by=rack&${await range(operator, 30)}`);
  await signIn(page, operatorToken, "/console/economics?view=margin&by=rack&sort=-margin");
  const table = page.getByRole("group", { name: "Margin by rack" });
  await expect(table.getByRole("table")).toHaveAttribute("aria-rowcount", String(margin.items.length + 1));
  const [best] = [...margin.items].sort((a, b) => Number(b.margin.amount) - Number(a.margin.amount));
  await expect(table.getByRole("row").nth(1)).toContainText(present(best, "a rack").key);
  await page.getByLabel("Step").selectOption("week");
  await expect(page).toHaveURL(/step=week/);
  await expect(table.getByRole("columnheader", { name: "From" })).toBeVisible();
});

test("draws_the_payback_of_a_scenario_and_the_price_floor", async ({ page, operator }) => {
  const scenario = "cohort=2025-q4&months=84&gpu_hour=2.490000&utilisation_bp=8000&decline_bp=100";
  const payback = await operator.get<{ paid_back_month: number | null }>(`/v1/system/payback?${scenario}`);
  await signIn(page, operatorToken, "/console/economics?view=payback&price=2.490000&use=8000&life=60");
  await page.getByLabel("Rent falls, % a month").fill("1");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/fall=100/);
  await expect(page.locator(".stat").filter({ hasText: "Paid back" })).toContainText(
    payback.paid_back_month === null ? "not in 84 months" : `month ${payback.paid_back_month}`,
  );
  await page.getByLabel("Useful life").selectOption("48");
  await expect(page.getByText("Book value over 4 years").first()).toBeVisible();
  await page.getByRole("link", { name: "Price floor" }).click();
  await expect(page.getByRole("group", { name: "Price floor" })).toContainText("h100.8x");
});

test("every_part_is_accessible_in_both_themes", async ({ page }) => {
  await signIn(page, operatorToken, "/console/economics");
  for (const view of ["days", "margin", "payback", "floor", "week", "value"]) {
    await visit(page, `/console/economics?view=${view}&price=2.490000&use=8000`);
    await expectAccessibleInBothThemes(page);
  }
});
