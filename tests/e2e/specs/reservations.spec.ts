// Reservations, compared with what the API says of them.
import {
  dayReserved,
  expect,
  expectAccessible,
  operatorToken,
  present,
  rowOf,
  signIn,
  tenantToken,
  test,
  visit,
} from "./support";
import { scrollMeasured } from "./frames";

interface Reservation {
  id: string;
  name: string | null;
  tenant?: string;
  count: number;
  status: { state: string };
}

const ALL = "/v1/system/reservations";

test.describe("reservations", () => {
  test("the_filters_live_in_the_address", async ({ page, operator }) => {
    const all = await operator.items<Reservation>(ALL);
    const table = page.getByRole("table");
    await signIn(page, operatorToken, "/console/reservations");
    await expect(page.getByText(`${all.length} reservations`)).toBeVisible();
    await page.getByLabel("State").selectOption("rejected");
    await expect(page).toHaveURL(/state=rejected/);
    const rejected = all.filter((one) => one.status.state === "rejected");
    expect(rejected.length).toBeGreaterThan(0);
    await expect(table).toHaveAttribute("aria-rowcount", String(rejected.length + 1));
    await page.goBack();
    await expect(table).toHaveAttribute("aria-rowcount", String(all.length + 1));
    await page.getByLabel("Tenant").selectOption("zephyr");
    await page.keyboard.press("/");
    await page.getByRole("searchbox").fill("TTS");
    await expect(table).toHaveAttribute("aria-rowcount", "2");
    await page.reload();
    await expect(page.getByRole("link", { name: "tts-distill" })).toBeVisible();
    await expect(table).toHaveAttribute("aria-rowcount", "2");
  });

  test("one_shows_wish_and_fact_its_places_its_books_and_its_instances", async ({ page, operator }) => {
    const all = await operator.items<Reservation>(ALL);
    const active = present(
      all.find((one) => one.name === "llama-pretrain"),
      "llama-pretrain",
    );
    const margin = await operator.get<{ revenue: { amount: string } }>(`${ALL}/${active.id}/margin`);
    await signIn(page, operatorToken, `/console/reservations/${active.id}`);
    await expect(page.getByRole("heading", { level: 1, name: "llama-pretrain" })).toBeVisible();
    await expect(page.getByRole("region", { name: "Placement" }).getByRole("img")).toHaveCount(active.count);
    await expect(page.getByRole("group", { name: "Instances" }).getByText("running").first()).toBeVisible();
    const revenue = Number(margin.revenue.amount).toLocaleString("en-US", { style: "currency", currency: "USD" });
    expect(Number(margin.revenue.amount)).toBeGreaterThan(0);
    await expect(page.getByRole("region", { name: "Cost" })).toContainText(revenue);
    await expectAccessible(page);
  });

  test.describe("whose terms change", () => {
    test.use({ expected: [/409|422/] });
    test("an_operator_changes_terms_after_seeing_the_price", async ({ page, operator }) => {
      const all = await operator.items<Reservation>(ALL);
      const distill = present(
        all.find((one) => one.name === "tts-distill"),
        "tts-distill",
      );
      await signIn(page, operatorToken, `/console/reservations/${distill.id}`);
      await page.getByRole("button", { name: "Change count" }).click();
      const dialog = page.getByRole("dialog");
      await expect(dialog.getByRole("region", { name: "Effect" })).toContainText("Nothing: it is so already.");
      await expect(dialog.getByRole("alert")).toHaveCount(0);
      await dialog.getByLabel("Instances").fill("9");
      await expect(dialog.getByText(/^It costs \$[\d,.]+ more\.$/)).toBeVisible();
      await dialog.getByLabel("Instances").fill("900");
      await expect(dialog.getByRole("alert")).toContainText("900 whole nodes");
      await dialog.getByLabel("Instances").fill("9");
      await dialog.getByRole("button", { name: "Change count" }).click();
      await expect(dialog).toBeHidden();
      await expect(page.getByRole("group", { name: "Amendments" })).toContainText("granted");
    });
  });

  test("what_is_cancelled_must_be_named", async ({ page, tenant }) => {
    const made = await dayReserved(tenant, "regret");
    await signIn(page, operatorToken, `/console/reservations/${made.id}`);
    await page.getByRole("button", { name: "Cancel" }).click();
    const dialog = page.getByRole("dialog");
    const cancel = dialog.getByRole("button", { name: "Cancel", exact: true });
    await expect(dialog.getByText(/The policy charges/)).toBeVisible();
    await expect(cancel).toBeDisabled();
    await dialog.getByLabel(`Type ${made.name} to confirm`).fill(made.name);
    await cancel.click();
    await expect(page.getByText("reservation cancelled")).toBeVisible();
  });

  test.describe("that do not exist", () => {
    test.use({ expected: [/404/] });
    test("say_so_as_a_problem", async ({ page, operator }) => {
      const one = present((await operator.items<Reservation>(ALL))[0], "a reservation");
      const nobody = `${one.id.slice(0, -6)}424242`;
      await signIn(page, operatorToken, `/console/reservations/${nobody}`);
      await expect(page.getByRole("alert").first()).toContainText("not_found");
    });
  });

  test("a_new_one_appears_by_itself_and_changes_in_its_place", async ({ page, tenant }) => {
    await signIn(page, operatorToken, "/console/reservations");
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    const made = await dayReserved(tenant, "live");
    const row = rowOf(page, made.name);
    await expect(row).toContainText("scheduled");
    await tenant.post(`/v1/reservations/${made.id}/cancel`, {});
    await expect(row).toContainText("cancelled");
  });

  test("what_changed_while_another_page_or_filter_was_shown_is_seen_when_one_comes_back", async ({ page, tenant }) => {
    const ways = [
      { leave: () => visit(page, "/console/fleet"), comeBack: () => visit(page, "/console/reservations") },
      { leave: () => page.getByLabel("State").selectOption("rejected"), comeBack: () => page.goBack() },
    ];
    await signIn(page, operatorToken, "/console/reservations");
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    for (const { leave, comeBack } of ways) {
      const made = await dayReserved(tenant, "away");
      const row = rowOf(page, made.name);
      await expect(row).toContainText("scheduled");
      await leave();
      await expect(row).toBeHidden();
      await tenant.post(`/v1/reservations/${made.id}/cancel`, {});
      await comeBack();
      await expect(row).toContainText("cancelled");
    }
  });

  test("a_change_that_is_heard_of_while_rows_are_on_their_way_is_not_lost", async ({ page, tenant }) => {
    // What the tab hears of the log it tells the others first (src/live/shared.ts).
    await page.addInitScript(() => {
      const tell = BroadcastChannel.prototype.postMessage;
      BroadcastChannel.prototype.postMessage = function (message: { event?: { event: string } }) {
        const { dataset } = document.documentElement;
        dataset.heard = `${dataset.heard ?? ""} ${message.event?.event ?? ""}`;
        tell.call(this, message);
      };
    });
    await signIn(page, operatorToken, "/console/reservations");
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    // Its creation may be heard of before its maker has the answer.
    let tell: (made: { id: string }) => void = () => undefined;
    const known = new Promise<{ id: string }>((resolve) => (tell = resolve));
    await page.route(
      /reservations\?.*limit=100$/,
      async (route) => {
        const response = await route.fetch();
        const { id } = await known;
        await tenant.post(`/v1/reservations/${id}/cancel`, {});
        await expect(page.locator("html")).toHaveAttribute("data-heard", /reservation\.cancelled/);
        await route.fulfill({ response });
      },
      { times: 1 },
    );
    const made = await dayReserved(tenant, "held");
    tell(made);
    const row = rowOf(page, made.name);
    await expect(row).toContainText("cancelled");
  });

  test("fifty_thousand_are_scrolled_page_by_page_and_few_are_in_the_document", async ({ page, operator }) => {
    const { items } = await operator.get<{ items: Reservation[] }>(`${ALL}?limit=1`);
    const pages: number[] = [];
    await page.route(/\/v1\/system\/reservations\?/, async (route) => {
      const query = new URL(route.request().url()).searchParams;
      const first = Number(query.get("page") ?? 0);
      const limit = Number(query.get("limit"));
      pages.push(first);
      const rows = Array.from({ length: Math.min(limit, 50_000 - first) }, (_, at) => ({
        ...items[0],
        id: `rsv_${first + at}`,
        name: `many-${first + at}`,
      }));
      const next = first + limit < 50_000 ? String(first + limit) : null;
      await route.fulfill({ json: { items: rows, next_page: next } });
    });
    await signIn(page, operatorToken, "/console/reservations");
    await expect(page.getByText(/^The newest 500; older ones come/)).toBeVisible();
    expect(pages).toEqual([0]);
    const box = page.getByRole("group", { name: "Reservations" });
    for (let more = 2; more <= 6; more++) {
      await box.evaluate((element) => element.scrollTo(0, element.scrollHeight));
      await expect(page.getByText(`The newest ${(more * 500).toLocaleString("en-US")}; older ones`)).toBeVisible();
    }
    expect(await page.getByRole("row").count()).toBeLessThan(80);
    expect(pages).toEqual([0, 500, 1000, 1500, 2000, 2500]);
    await box.evaluate((element) => element.scrollTo(0, 0));
    await scrollMeasured(box, "a list of 50,000, of which 3,000 are fetched");
    expect(await page.getByRole("row").count()).toBeLessThan(80);
  });
});

test("where_there_is_no_reservation_yet_each_reader_is_told_who_makes_one", async ({ page }) => {
  await page.route(/\/reservations\?/, (route) => route.fulfill({ json: { items: [], next_page: null } }));
  for (const [token, told] of [
    [operatorToken, "Tenants make them"],
    [tenantToken, "Make one under Reserve"],
  ] as const) {
    await signIn(page, token, "/console/reservations");
    await expect(page.getByText("No reservations yet")).toBeVisible();
    await expect(page.getByText(told)).toBeVisible();
  }
});
