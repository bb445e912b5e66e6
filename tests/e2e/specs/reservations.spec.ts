// Reservations, compared with what the API says of them.
import { expect, expectAccessible, operatorToken, signIn, test } from "./support";

interface Reservation {
  id: string;
  name: string | null;
  count: number;
  status: { state: string };
}

const counted = new Intl.NumberFormat("en-US");

test.describe("reservations", () => {
  test("the_filter_lives_in_the_address", async ({ page, operator }) => {
    const all = await operator.items<Reservation>("/v1/system/reservations");
    await signIn(page, operatorToken, "/console/reservations");
    await expect(page.getByText(`${counted.format(all.length)} reservations`)).toBeVisible();
    await page.getByRole("button", { name: "rejected", exact: true }).click();
    await expect(page).toHaveURL(/state=rejected/);
    const rejected = all.filter((one) => one.status.state === "rejected");
    expect(rejected.length).toBeGreaterThan(0);
    await expect(page.getByRole("table")).toHaveAttribute("aria-rowcount", String(rejected.length + 1));
    await page.goBack();
    await expect(page.getByRole("table")).toHaveAttribute("aria-rowcount", String(all.length + 1));
  });

  test("one_opens_from_its_address_with_wish_verdict_and_instances", async ({ page, operator }) => {
    const all = await operator.items<Reservation>("/v1/system/reservations");
    const active = all.find((one) => one.status.state === "active");
    const rejected = all.find((one) => one.status.state === "rejected");
    await signIn(page, operatorToken, `/console/reservations/${active?.id}`);
    await expect(page.getByRole("heading", { level: 1, name: active?.name ?? active?.id })).toBeVisible();
    await expect(page.getByRole("group", { name: "Instances" }).getByText("running").first()).toBeVisible();
    await expectAccessible(page);
    await page.goto(`/console/reservations/${rejected?.id}`);
    await expect(page.getByText("What bound")).toBeVisible();
  });

  test.describe("that do not exist", () => {
    test.use({ expected: [/404/] });
    test("say_so_as_a_problem", async ({ page, operator }) => {
      const [one] = await operator.items<Reservation>("/v1/system/reservations");
      const nobody = `${one?.id.slice(0, -6)}424242`;
      await signIn(page, operatorToken, `/console/reservations/${nobody}`);
      await expect(page.getByRole("alert")).toContainText("not_found");
    });
  });

  test("a_new_one_appears_by_itself", async ({ page, tenant }) => {
    await signIn(page, operatorToken, "/console/reservations");
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    const name = `live-${Date.now()}`;
    const { domain_time } = await tenant.get<{ domain_time: string }>("/v1/me");
    const inDays = (days: number): string =>
      `${new Date(Date.parse(domain_time) + days * 86_400_000).toISOString().slice(0, 19)}Z`;
    await tenant.post("/v1/reservations", {
      name,
      instance_type: "h100.8x",
      count: 1,
      zone: "us-east-1a",
      starts_at: inDays(40),
      ends_at: inDays(41),
    });
    await expect(page.getByRole("link", { name })).toBeVisible();
  });
});
