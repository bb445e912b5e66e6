// Assets: how they come into the books, what happens to them there, and what is left of them.
import {
  expect,
  expectAccessible,
  expectAccessibleInBothThemes,
  operatorToken,
  present,
  signIn,
  test,
  visit,
  type Api,
} from "./support";
import { scrollMeasured } from "./frames";

interface Money {
  amount: string;
}
interface Asset {
  id: string;
  status: { net_book_value: Money };
}
interface Month {
  posted: Money;
  net_book_value: Money;
}

// What a form would be refused is asked and answered while it is filled in.
test.use({ expected: [/409|422/] });

async function bySerial(operator: Api, serial: string): Promise<Asset> {
  const { items } = await operator.get<{ items: Asset[] }>(`/v1/system/assets?serial=${serial}`);
  const [asset] = items;
  if (asset === undefined) throw new Error(`there is no asset ${serial}`);
  return asset;
}

async function scheduleOf(operator: Api, { id }: Asset): Promise<Month[]> {
  return operator.items<Month>(`/v1/system/assets/${id}/schedule`);
}

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const shown = ({ amount }: Money): string => dollars.format(Number(amount));

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

test("are_depreciated_as_the_api_has_it_and_a_new_estimate_makes_another_schedule", async ({ page, operator }) => {
  const asset = await bySerial(operator, "S00002");
  const before = await scheduleOf(operator, asset);
  const today = present(before[0], "a row of the schedule");
  expect(Number(today.posted.amount)).toBeGreaterThan(0);
  await signIn(page, operatorToken, `/console/assets/${asset.id}`);
  await expect(page.locator(".stat").filter({ hasText: "Book value" })).toContainText(
    shown(asset.status.net_book_value),
  );
  await page.getByText("The same as a table").click();
  const rows = page.getByRole("group", { name: "Schedule" }).getByRole("row");
  await expect(rows).toHaveCount(before.length + 1);
  await expect(rows.nth(1)).toContainText(shown(today.net_book_value));

  await page.getByRole("button", { name: "Re-estimate" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^On/).fill("2026-02-01");
  await dialog.getByLabel(/^Life in months/).fill("0");
  await dialog.getByLabel("Reason").fill("they last longer");
  await expect(dialog.getByLabel(/^Life in months/)).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel(/^Life in months/).fill("72");
  await expect(dialog.getByRole("region", { name: "Effect" })).toContainText("Neither gain nor loss");
  await dialog.getByRole("button", { name: "Re-estimate" }).click();
  await expect(page.getByRole("group", { name: "Changes" })).toContainText("they last longer");
  await expect.poll(async () => (await scheduleOf(operator, asset)).length).toBe(before.length + 12);
  await expect(rows).toHaveCount(before.length + 12 + 1);
  await expectAccessibleInBothThemes(page);
});

test("lose_a_part_and_end_once_they_are_named_when_the_day_is_closed", async ({ page, operator }) => {
  const asset = await bySerial(operator, "S00003");
  await signIn(page, operatorToken, `/console/assets/${asset.id}`);
  const dialog = page.getByRole("dialog");
  const effect = dialog.getByRole("region", { name: "Effect" });
  const changes = page.getByRole("group", { name: "Changes" });
  await page.getByRole("button", { name: "Replace a part" }).click();
  await dialog.getByLabel(/^On/).fill("2026-01-11");
  await dialog.getByLabel("Parts that come out").fill("1");
  await dialog.getByLabel("Of so many").fill("8");
  await dialog.getByLabel("Reason").fill("a board");
  await expect(dialog.getByRole("alert")).toContainText("day_closed");
  await dialog.getByLabel(/^On/).fill("2026-01-12");
  await expect(effect).toContainText(/A loss of \$[\d,.]+; book value \$[\d,.]+ on 12 Jan 2026/);
  await dialog.getByRole("button", { name: "Replace a part" }).click();
  await expect(changes.getByRole("row", { name: /a board/ })).toContainText("pending");

  await page.getByRole("button", { name: "Dispose of" }).click();
  await dialog.getByLabel(/^On/).fill("2026-01-13");
  await dialog.getByLabel(/^Proceeds/).fill("1000.00");
  await dialog.getByLabel("Reason").fill("sold");
  await expect(effect).toContainText(/A loss of \$[\d,.]+; book value \$0\.00/);
  await expect(dialog.getByRole("button", { name: "Dispose of" })).toBeDisabled();
  await dialog.getByLabel("Type S00003 to confirm").fill("S00003");
  await dialog.getByRole("button", { name: "Dispose of" }).click();
  await expect(changes.getByRole("row", { name: /sold/ })).toContainText("pending");
});

test("fifty_thousand_are_shown_of_which_few_are_in_the_document", async ({ page }) => {
  // Made in the page: fifty thousand assets would take longer to get there than to be shown.
  await page.addInitScript(() => {
    const real = window.fetch;
    window.fetch = async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input, location.href);
      if (url.pathname !== "/v1/system/assets") return real(input, init);
      const { items } = (await (await real("/v1/system/assets?limit=1")).json()) as { items: object[] };
      const first = Number(url.searchParams.get("page") ?? 0);
      const rows = Array.from({ length: 1000 }, (_, at) => ({
        ...items[0],
        id: `${first + at}`,
        serial: `M${first + at}`,
      }));
      return Response.json({ items: rows, next_page: first < 49_000 ? String(first + 1000) : null });
    };
  });
  await signIn(page, operatorToken, "/console/assets?section=assets");
  await expect(page.getByText("50,000 assets")).toBeVisible();
  await scrollMeasured(page.getByRole("group", { name: "Assets" }), "a table of 50,000 rows");
  expect(await page.getByRole("row").count()).toBeLessThan(80);
});

test("every_part_is_accessible_in_both_themes", async ({ page }) => {
  await signIn(page, operatorToken, "/console/assets");
  for (const section of ["cohorts", "assets", "orders", "import"]) {
    await visit(page, `/console/assets?section=${section}`);
    await expectAccessibleInBothThemes(page);
  }
});
