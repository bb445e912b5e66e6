// The calendar and maintenance, against what the API says of them.
import { expect, expectAccessible, operatorToken, present, signIn, test, type Api } from "./support";

interface Reservation {
  id: string;
  name: string;
  starts_at: string;
  ends_at: string;
  status: { state: string; ends_at: string };
}

async function named(operator: Api, name: string): Promise<Reservation> {
  const found = (await operator.items<Reservation>("/v1/system/reservations")).find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no reservation ${name}`);
  return found;
}

test.describe("the calendar", () => {
  test("shows_who_holds_what_when_and_what_is_free", async ({ page, operator }) => {
    const vision = await named(operator, "vision-finetune");
    await signIn(page, operatorToken, "/console/calendar");
    const rows = page.getByRole("group", { name: "Bookings" });
    await expect(rows.getByRole("button", { name: "vision-finetune" })).toBeVisible();
    await expect(page.locator(".stat").filter({ hasText: "Largest free block" })).toContainText(/\d+ nodes?/);
    await expect(page.locator(".stat").filter({ hasText: "To break even" })).toContainText(
      /reached|GPU-h|out of reach/,
    );
    await rows.getByRole("button", { name: "vision-finetune" }).click();
    await expect(page).toHaveURL(new RegExp(`pick=${vision.id}`));
    await expect(page.getByRole("group", { name: "Picked" })).toContainText("zephyr · 16 nodes");
    await expectAccessible(page);
    for (const span of ["Day", "Week", "Quarter", "Year"]) {
      await page.getByRole("button", { name: span, exact: true }).click();
      await expect(page).toHaveURL(new RegExp(`span=${span.toLowerCase()}`));
      await expect(page.locator(".calendar canvas")).toBeVisible();
    }
  });

  test("a_dragged_end_shows_its_price_before_it_is_asked_for", async ({ page, operator }) => {
    const sweep = await named(operator, "tts-distill");
    await signIn(page, operatorToken, `/console/calendar?pick=${sweep.id}`);
    const canvas = page.locator(".calendar canvas");
    await canvas.focus();
    // By keys: pick the first booking of the calendar, propose its end a day later, and look what that would do.
    await page.keyboard.press("ArrowRight");
    await expect(page.getByRole("group", { name: "Picked" })).toBeVisible();
    await page.goto(`/console/calendar?pick=${sweep.id}`);
    await expect(page.getByRole("group", { name: "Picked" })).toContainText("tts-distill");
    await canvas.focus();
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Other terms for tts-distill" });
    await expect(dialog.getByLabel("Until (UTC)")).toHaveValue("2026-01-29T00:00");
    await expect(dialog.getByRole("region", { name: "Effect" })).toContainText(/It costs \$[\d,.]+ more/);
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Ask for these terms" }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByRole("group", { name: "Picked" })).toContainText("29 Jan 2026");
  });

  test("a_bar_is_dragged_by_its_end", async ({ page, operator }) => {
    const llama = await named(operator, "llama-pretrain");
    await signIn(page, operatorToken, `/console/calendar?pick=${llama.id}`);
    const canvas = page.locator(".calendar canvas");
    await expect(page.getByRole("group", { name: "Picked" })).toContainText("llama-pretrain");
    const box = await canvas.boundingBox();
    if (box === null) throw new Error("the calendar has no place");
    // It ends on 22 January, ten days into a month that begins on the 12th; its nodes are among the first rows.
    const dayPx = (box.width - 108 - 2) / 31;
    const [x, y] = [box.x + 108 + 10 * dayPx - 1, box.y + 30 + 11];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + dayPx, y, { steps: 4 });
    await page.mouse.up();
    const dialog = page.getByRole("dialog", { name: /^Other terms for / });
    await expect(dialog.getByLabel("Until (UTC)")).toHaveValue("2026-01-23T00:00");
    await dialog.getByRole("button", { name: "Keep it as it is" }).click();
    expect((await named(operator, "llama-pretrain")).status.ends_at).toBe(llama.status.ends_at);
  });
});

test("maintenance_shows_whom_it_hits_is_planned_and_cancelled", async ({ page, operator }) => {
  const nodes = await operator.items<{ name: string; cordoned: boolean; status: { state: string } }>(
    "/v1/system/nodes",
  );
  const busy = present(
    nodes.find((node) => node.status.state === "allocated"),
    "a busy node",
  ).name;
  const idle = present(
    nodes.find((node) => node.status.state === "ready" && !node.cordoned),
    "an idle node",
  ).name;
  await signIn(page, operatorToken, "/console/maintenance");
  await page.getByRole("button", { name: "Plan for nodes" }).click();
  const dialog = page.getByRole("dialog", { name: "Plan maintenance" });
  await dialog.getByLabel("Nodes").fill(busy);
  await dialog.getByLabel("Reason").fill("new firmware");
  const effect = dialog.getByRole("region", { name: "Effect" });
  await expect(effect).toContainText("It would be refused: 1 of 1");
  await expect(effect.getByRole("table")).toContainText("active");
  await dialog.getByLabel("Nodes").fill(idle);
  await dialog.getByLabel("From (UTC)").fill("2026-02-10T00:00");
  await dialog.getByLabel("Until (UTC)").fill("2026-02-10T06:00");
  await expect(effect).toContainText("It hits nobody");
  await dialog.getByRole("button", { name: "Plan for nodes" }).click();
  const detail = page.getByRole("complementary", { name: "Window new firmware" });
  await expect(detail.getByText("planned").first()).toBeVisible();
  await expectAccessible(page);
  await detail.getByRole("button", { name: "Cancel window" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel window", exact: true }).click();
  await expect(detail.getByText("cancelled").first()).toBeVisible();
  await expect(detail.getByText("cancel requested")).toBeVisible();
});
