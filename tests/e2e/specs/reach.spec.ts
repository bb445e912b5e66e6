// What is reached from where one is: nearer on the map, what can be done by name, who acts for whom, and what was
// metered wrongly put right.
import {
  expect,
  expectAccessible,
  expectAccessibleInBothThemes,
  operatorToken,
  present,
  signIn,
  test,
} from "./support";

interface Named {
  id: string;
  name: string;
}

test("the_wheel_brings_the_map_nearer_to_the_pointer_and_dragging_moves_it", async ({ page }) => {
  await signIn(page, operatorToken, "/console/fleet");
  const map = page.locator(".map canvas");
  const zoom = page.getByRole("group", { name: "Zoom" });
  const whole = zoom.getByRole("button", { name: "Whole map" });
  const top = async (): Promise<number> => (await map.boundingBox())?.y ?? 0;
  await map.hover({ position: { x: 60, y: 120 } });
  const before = await top();
  // Unasked, the wheel scrolls the page.
  await page.mouse.wheel(0, 40);
  await expect.poll(top).toBeLessThan(before);
  await expect(whole).toBeHidden();
  await map.hover({ position: { x: 60, y: 120 } });
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -300);
  await page.keyboard.up("Control");
  await expect(whole).toBeVisible();
  await expectAccessible(page);
  const box = await map.boundingBox();
  if (box === null) throw new Error("no map");

  // What was dragged was not chosen; a press that stays is.
  await page.mouse.down();
  await page.mouse.move(box.x + 20, box.y + 90, { steps: 4 });
  await page.mouse.up();
  const detail = page.getByRole("complementary", { name: /^Node / });
  await expect(detail).toBeHidden();
  await page.mouse.click(box.x + 60, box.y + 120);
  await expect(detail).toBeVisible();

  // The button goes away; the focus does not.
  await whole.click();
  await expect(map).toBeFocused();
  await expect(zoom.getByRole("button", { name: "Zoom out" })).toBeDisabled();
});

test("the_palette_does_to_a_thing_what_its_page_does", async ({ page, operator }) => {
  const node = present((await operator.items<Named>("/v1/system/nodes"))[0], "a node");
  await signIn(page, operatorToken);
  const box = page.getByRole("combobox", { name: "Page, action, name or id" });
  await page.keyboard.press("Control+k");
  await box.fill(`cordon ${node.name}`);
  await page.getByRole("option", { name: `Cordon ${node.name}` }).click();
  const dialog = page.getByRole("dialog", { name: `Cordon ${node.name}` });
  await dialog.getByLabel("Reason").fill("to look at");
  await dialog.getByRole("button", { name: "Cordon", exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect
    .poll(async () => (await operator.get<{ cordoned: boolean }>(`/v1/system/nodes/${node.id}`)).cordoned)
    .toBe(true);

  // What undoes it is not found by its name; a running reservation is cancelled by releasing it.
  await page.keyboard.press("Control+k");
  await box.fill(`cordon ${node.name}`);
  await expect(page.getByRole("option", { name: node.name, exact: false }).first()).toBeVisible();
  await expect(page.getByRole("status").filter({ hasText: "Searching" })).toBeHidden();
  await expect(page.getByRole("option", { name: "Uncordon" })).toBeHidden();
  await box.fill("cancel llama-pretrain");
  await expect(
    page.getByRole("option", { name: /^Release llama-pretrain now.* of acme, active, from / }),
  ).toBeVisible();

  // Of the page that is open nothing need be named.
  await page.goto(`/console/fleet/nodes/${node.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(node.name);
  await page.keyboard.press("Control+k");
  await box.fill("uncordon");
  await expect(page.getByRole("option", { name: `Uncordon ${node.name}` })).toBeVisible();
  await page.keyboard.press("Enter");
  const undo = page.getByRole("dialog", { name: `Uncordon ${node.name}` });
  await undo.getByRole("button", { name: "Uncordon", exact: true }).click();
  await expect
    .poll(async () => (await operator.get<{ cordoned: boolean }>(`/v1/system/nodes/${node.id}`)).cordoned)
    .toBe(false);
});

test("people_of_the_provider_and_of_a_tenant_are_listed_with_their_roles", async ({ page, operator }) => {
  await operator.post("/v1/system/members", {
    tenant: "acme",
    name: "olga",
    email: "olga@acme.example",
    role: "billing",
  });
  await signIn(page, operatorToken, "/console/system?tab=people");
  const members = page.getByRole("region", { name: "Members" });
  await expect(members.getByRole("row", { name: /olga.*acme.*billing/ })).toBeVisible();
  await expect(members.getByRole("row", { name: /the provider.*system admin/ }).first()).toBeVisible();
  await page.getByLabel("Tenant").selectOption("acme");
  await expect(page).toHaveURL(/tenant=acme/);
  await expect(members.getByText("the provider")).toHaveCount(0);
  await expectAccessibleInBothThemes(page);
});

test.describe("usage", () => {
  test.use({ expected: [/422/] });
  test("is_corrected_at_the_reservation_and_listed", async ({ page, operator }) => {
    const all = await operator.items<Named & { status: { state: string; starts_at: string } }>(
      "/v1/system/reservations",
    );
    const ended = present(
      all.find((each) => each.name === "eval-nightly"),
      "eval-nightly",
    );
    await signIn(page, operatorToken, `/console/reservations/${ended.id}`);
    await page.getByRole("button", { name: "Correct usage" }).click();
    const dialog = page.getByRole("dialog", { name: "Correct the usage of eval-nightly" });
    await dialog.getByLabel(/^From/).fill("2026-01-03T00:00");
    await dialog.getByLabel(/^Until/).fill("2026-01-03T03:00");
    await dialog.getByLabel("GPUs", { exact: true }).fill("0");
    await dialog.getByLabel("Reason").fill("outage INC-7");
    await expect(dialog.getByText("must not be 0")).toBeVisible();
    await dialog.getByLabel("GPUs", { exact: true }).fill("-8");
    await expect(dialog.getByText("must not be 0")).toBeHidden();
    await dialog.getByRole("button", { name: "Correct usage", exact: true }).click();
    await expect(dialog).toBeHidden();
    await page.goto("/console/billing?section=corrections");
    await expect(page.getByRole("row", { name: /eval-nightly.*acme.*-8.*-24.*outage INC-7/ })).toBeVisible();
    await expectAccessible(page);
  });
});

test("margins_of_nodes_and_the_audit_speak_of_names", async ({ page, operator }) => {
  const node = present((await operator.items<Named>("/v1/system/nodes"))[0], "a node");
  await signIn(page, operatorToken, "/console/economics?view=margin&by=node&sort=key");
  const link = page.getByRole("link", { name: node.name, exact: true });
  await expect(link).toHaveAttribute("href", `/console/fleet/nodes/${node.id}`);
  await page.goto("/console/audit?find=reservations");
  await expect(
    page.getByRole("group", { name: "Audit" }).getByRole("cell", { name: "acme", exact: true }).first(),
  ).toBeVisible();
});

test("the_map_shows_how_busy_nodes_are_and_every_detail_is_taken_along_as_a_command", async ({ page, operator }) => {
  const node = present((await operator.items<Named>("/v1/system/nodes"))[0], "a node");
  await signIn(page, operatorToken, "/console/fleet?by=busy");
  await expect(page.getByRole("group", { name: /Legend/ }).getByText("80 % and more")).toBeVisible();
  await page.goto(`/console/fleet/nodes/${node.id}`);
  await expect(
    page.getByRole("group", { name: "Actions" }).getByRole("button", { name: "Copy as curl" }),
  ).toBeVisible();
  await page.goto("/console/system?tab=database");
  await expect(page.getByText("Sluice version")).toBeVisible();
});
