// Economics and assets, compared with what the API says.
import {
  expect,
  expectAccessible,
  expectAccessibleInBothThemes,
  operatorToken,
  signIn,
  test,
  type Api,
} from "./support";

interface Money {
  amount: string;
  currency: string;
}
interface Margin {
  totals: { revenue: Money; cost: Money };
  items: { key: string; margin: Money }[];
  idle: { cause: string }[];
}

// What a form would be refused is asked and answered while it is filled in.
test.use({ expected: [/409|422/] });

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });

async function range(operator: Api, days: number): Promise<string> {
  const { domain_time } = await operator.get<{ domain_time: string }>("/v1/me");
  const day = (ahead: number): string =>
    new Date(Date.parse(domain_time.slice(0, 10)) + ahead * 86_400_000).toISOString().slice(0, 10);
  return `from=${day(1 - days)}&to=${day(1)}`;
}

test.describe("economics", () => {
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
    await expect(page.getByRole("group", { name: "Idle by cause" }).getByRole("row")).toHaveCount(
      margin.idle.length + 1,
    );
    await expect(page.getByRole("application", { name: /^Idle cost by day and cause/ })).toBeVisible();
    await page.getByRole("button", { name: "90 days" }).click();
    await expect(page).toHaveURL(/days=90/);
  });

  test("tells_margin_by_what_the_address_asks_for", async ({ page, operator }) => {
    const margin = await operator.get<Margin>(`/v1/system/margin?by=rack&${await range(operator, 30)}`);
    await signIn(page, operatorToken, "/console/economics?view=margin&by=rack&sort=-margin");
    const table = page.getByRole("group", { name: "Margin by rack" });
    await expect(table.getByRole("table")).toHaveAttribute("aria-rowcount", String(margin.items.length + 1));
    const best = [...margin.items].sort((a, b) => Number(b.margin.amount) - Number(a.margin.amount))[0];
    await expect(table.getByRole("row").nth(1)).toContainText(best?.key ?? "");
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
});

test.describe("assets", () => {
  test("come_from_a_spreadsheet_whose_problems_stand_at_their_cells", async ({ page, operator }) => {
    await signIn(page, operatorToken, "/console/assets?section=import");
    const head = "serial,cohort,cost.amount,cost.currency,in_service,life_months";
    await page.getByLabel("Or its text").fill(`${head}\nX1,2026-q1,1000.00,USD,2026-01-01,sixty\n`);
    await expect(page.getByRole("group", { name: "Rows" }).locator("td.wrong")).toHaveText("sixty");
    await expect(page.getByRole("button", { name: "Register" })).toBeDisabled();
    await page
      .getByLabel("Or its text")
      .fill(`${head}\nX1,2026-q1,1000.00,USD,2026-01-01,60\nX2,2026-q1,500.00,USD,2026-01-01,60\n`);
    await expect(page.getByText("2 assets of 2026-q1, $1,500.00")).toBeVisible();
    await page.getByRole("button", { name: "Register 2 assets" }).click();
    await expect(page.getByRole("group", { name: "Cohorts" }).getByRole("row", { name: /2026-q1/ })).toContainText(
      "$1,500.00",
    );
    expect(await operator.items("/v1/system/assets")).toHaveLength(74);
  });

  test("show_what_an_impairment_comes_to_before_it_is_entered", async ({ page }) => {
    await signIn(page, operatorToken, "/console/assets?section=assets&serial=S00001");
    await page.getByRole("link", { name: "S00001" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "S00001" })).toBeVisible();
    await page.getByRole("button", { name: "Impair", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/^On/).fill("2026-01-20");
    await dialog.getByLabel(/Fair value/).fill("100000.00");
    await dialog.getByLabel(/Value in use/).fill("90000.00");
    await dialog.getByLabel("Reason").fill("a new generation");
    await expect(dialog.getByRole("region", { name: "Effect" })).toContainText(
      /A loss of \$.*; book value \$100,000\.00/,
    );
    await dialog.getByRole("button", { name: "Impair", exact: true }).click();
    await expect(page.getByRole("group", { name: "Changes" })).toContainText("a new generation");
    await expectAccessible(page);
  });
});

for (const [page_name, addresses] of [
  [
    "economics",
    ["days", "margin", "payback", "floor", "week", "value"].map(
      (view) => `economics?view=${view}&price=2.490000&use=8000`,
    ),
  ],
  ["assets", ["cohorts", "assets", "orders", "import"].map((section) => `assets?section=${section}`)],
] as const) {
  test(`every_part_of_${page_name}_is_accessible_in_both_themes`, async ({ page }) => {
    test.slow(); // axe looks at every page twice
    await signIn(page, operatorToken);
    for (const address of addresses) {
      await page.goto(`/console/${address}`);
      await expect(page.getByText(/^Loading/)).toHaveCount(0);
      await expectAccessibleInBothThemes(page);
    }
  });
}
