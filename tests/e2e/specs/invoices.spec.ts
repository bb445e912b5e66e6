// An invoice, from draft to credit note and void, as the provider and as its tenant have it.
import type { Page } from "@playwright/test";
import { expect, expectAccessibleInBothThemes, operatorToken, present, signIn, test, type Api } from "./support";

interface Money {
  amount: string;
}
interface Invoice {
  id: string;
  number: string | null;
  tenant: string;
  status: string;
  net: Money;
  total: Money;
}
interface Line {
  line_no: number;
  description: string;
  net: Money;
}

const ALL = "/v1/system/invoices";

// What a form would be refused is asked and answered while it is filled in.
test.use({ expected: [/409|422/] });

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const shown = ({ amount }: Money): string => dollars.format(Number(amount));

async function invoiceOf(operator: Api, tenant: string, status: string): Promise<Invoice> {
  const found = (await operator.items<Invoice>(ALL)).find((each) => each.tenant === tenant && each.status === status);
  if (found === undefined) throw new Error(`${tenant} has no invoice that is ${status}`);
  return found;
}

async function expectPdf(page: Page): Promise<void> {
  const link = page.getByRole("link", { name: "PDF" });
  const found = await link.evaluate(async (element) => {
    const answer = await fetch((element as HTMLAnchorElement).href);
    return [answer.headers.get("Content-Type"), (await answer.text()).slice(0, 5)];
  });
  expect(found).toEqual(["application/pdf", "%PDF-"]);
}

test("a_draft_is_issued_explained_and_credited_in_part", async ({ page, operator }) => {
  const draft = await invoiceOf(operator, "held", "draft");
  await signIn(page, operatorToken, "/console/billing?section=invoices&status=draft");
  const itsLink = page.locator(`a[href$="/${draft.id}"]`);
  await page.getByRole("link", { name: "not numbered" }).and(itsLink).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Draft for ${draft.tenant}`);
  await page.getByRole("button", { name: "Issue" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Issue" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/-000001$/);
  await expectPdf(page);

  const lines = page.getByRole("group", { name: "Lines" });
  await expect(lines.getByRole("link", { name: "past-held", exact: true })).toHaveAttribute("href", /\/reservations\/rsv_/);
  await expect(lines).toContainText("GPU-hours");
  await lines.getByRole("button").nth(-1).click();
  await expect(page).toHaveURL(/line=\d/);
  const explained = page.getByRole("region", { name: /explained$/ });
  await expect(explained.getByRole("listitem").first()).toBeVisible();
  await explained.getByRole("button", { name: "Usage and events" }).click();
  await expect(explained.getByRole("group", { name: "Usage and events" })).toContainText("instance.running");

  await explained.getByRole("button", { name: "Credit this line" }).click();
  await dialog.getByLabel("Reason").fill("an outage");
  await dialog.getByLabel(/^Amount/).fill("9999999");
  await expect(dialog.getByRole("alert")).toContainText("credit_exceeds_line");
  await dialog.getByLabel(/^Amount/).fill("10");
  await expect(dialog.getByRole("region", { name: "Effect" })).toContainText("less");
  await dialog.getByRole("button", { name: "Credit this line" }).click();
  await expect(page.getByRole("group", { name: "Requests" })).toContainText("credit note");
  const credited = page.locator(".stat").filter({ hasText: "Credited" });
  await expect(credited).toContainText("$1");
  await expectAccessibleInBothThemes(page);

  await expect(page.getByRole("button", { name: /some of it was credited/ })).toBeVisible();
  await page.getByRole("button", { name: "Credit", exact: true }).click();
  await dialog.getByLabel("Reason").fill("all of it");
  const number = present(await page.getByRole("heading", { level: 1 }).textContent(), "the number");
  await dialog.getByLabel(`Type ${number} to confirm`).fill(number);
  await dialog.getByRole("button", { name: "Credit", exact: true }).click();
  await expect(page.getByRole("button", { name: /all of it was credited/ })).toHaveCount(2); // it, and its line
  await expect(credited).toContainText(shown(draft.total));
});

test("a_void_invoice_keeps_its_number_and_a_draft_takes_its_place", async ({ page, operator }) => {
  const invoice = await invoiceOf(operator, "billed", "issued");
  const lines = await operator.items<Line>(`${ALL}/${invoice.id}/lines`);
  await signIn(page, operatorToken, `/console/billing/invoices/${invoice.id}`);
  await expect(page.getByRole("heading", { level: 1, name: present(invoice.number, "its number") })).toBeVisible();
  const table = page.getByRole("group", { name: "Lines" });
  await expect(table.getByRole("table")).toHaveAttribute("aria-rowcount", String(lines.length + 1));
  for (const { description, net } of lines)
    await expect(table.getByRole("row").filter({ hasText: description }).first()).toContainText(shown(net));
  await expect(page.locator(".stat").filter({ hasText: "Total" })).toContainText(shown(invoice.total));
  await page.getByRole("button", { name: "Void" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("the wrong address");
  await expect(dialog.getByRole("button", { name: "Void" })).toBeDisabled();
  await dialog.getByLabel(`Type ${invoice.number} to confirm`).fill(present(invoice.number, "its number"));
  await dialog.getByRole("button", { name: "Void" }).click();
  await expect(page.getByText("void", { exact: true }).first()).toBeVisible();
  await expect(page.getByText(/^the wrong address, /)).toBeVisible();
  await expect(page.getByRole("heading", { level: 1, name: present(invoice.number, "its number") })).toBeVisible();
  expect(await invoiceOf(operator, "billed", "void")).toMatchObject({ id: invoice.id, number: invoice.number });
  await page.getByRole("group", { name: "Requests" }).getByRole("link", { name: "a draft" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Draft for billed" })).toBeVisible();
  await page.getByRole("link", { name: "the void invoice of the same period" }).click();
  await expect(page.getByRole("heading", { level: 1, name: present(invoice.number, "its number") })).toBeVisible();
});

test.describe("a tenant", () => {
  test.use({ expected: [/404/] });
  test("reads_how_a_line_of_its_invoice_comes_about_and_finds_nobody_elses", async ({ page, operator }) => {
    const all = await operator.items<Invoice>(ALL);
    const own = present(
      all.find((each) => each.tenant === "billed" && each.number !== null),
      "an invoice",
    );
    const others = present(
      all.find((each) => each.tenant === "held"),
      "another's invoice",
    );
    const { token } = await operator.post<{ token: string }>("/v1/system/tokens", {
      tenant: "billed",
      role: "admin",
      name: "browser",
    });
    await signIn(page, token, "/console/invoices");
    await page.getByRole("link", { name: present(own.number, "a number") }).click();
    await expect(page.getByRole("heading", { level: 1, name: present(own.number, "a number") })).toBeVisible();
    await expect(page.getByRole("region", { name: "Sums" })).toContainText(shown(own.total));
    await expectPdf(page);
    const line = present((await operator.items<Line>(`${ALL}/${own.id}/lines`))[0], "a line");
    await page.getByRole("link", { name: line.description }).first().click();
    const explained = page.getByRole("region", { name: `How line ${line.line_no} comes to what it is` });
    await expect(explained.getByRole("listitem").last()).toContainText(/\d/);
    await expectAccessibleInBothThemes(page);
    await page.goto(`/console/invoices/${others.id}`);
    await expect(page.getByRole("alert").first()).toContainText("not_found");
  });
});
