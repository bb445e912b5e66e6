// What a tenant sees.
import { expect, expectAccessible, signIn, tenantToken, test } from "./support";

interface Reservation {
  id: string;
  name: string | null;
  count: number;
  status: { state: string };
}

test("a_tenant_sees_its_own_and_no_fleet", async ({ page, tenant }) => {
  const mine = await tenant.items<Reservation>("/v1/reservations");
  await signIn(page, tenantToken);
  await expect(page.getByRole("heading", { name: "Reservations", level: 1 })).toBeVisible();
  await expect(page.getByRole("table")).toHaveAttribute("aria-rowcount", String(mine.length + 1));
  await expect(page.getByRole("link", { name: "Fleet" })).toHaveCount(0);
  await page.goto("/console/fleet");
  await expect(page.getByText("This page is not for the role admin")).toBeVisible();
  await page.goto(`/console/reservations/${mine[0]?.id}`);
  await expect(page.getByText("reservation created")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Economics" }).click();
  await expect(page.getByText(/Invoices of/)).toBeVisible();
});
