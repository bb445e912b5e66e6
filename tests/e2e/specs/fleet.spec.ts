// The fleet, compared with what the API says of it.
import { expect, expectAccessible, operatorToken, signIn, test } from "./support";

interface Node {
  id: string;
  name: string;
  gpu_count: number;
  status: { state: string; allocated_gpu_milli: number };
}

const counted = new Intl.NumberFormat("en-US");

test.describe("the fleet", () => {
  test("shows_the_numbers_of_the_api", async ({ page, operator }) => {
    const nodes = await operator.items<Node>("/v1/system/nodes");
    await signIn(page, operatorToken);
    const gpus = nodes.reduce((sum, node) => sum + node.gpu_count, 0);
    await expect(page.locator(".stat").filter({ has: page.getByText("GPUs", { exact: true }) })).toContainText(
      counted.format(gpus),
    );
    await expect(page.getByText(`${counted.format(nodes.length)} of ${counted.format(nodes.length)}`)).toBeVisible();
    const legend = page.getByRole("group", { name: /States/ });
    for (const state of new Set(nodes.map((node) => node.status.state))) {
      const count = nodes.filter((node) => node.status.state === state).length;
      await expect(legend.getByRole("button", { name: `${state} ${counted.format(count)}` })).toBeVisible();
    }
  });

  test("arrows_walk_the_map_and_open_a_node_which_the_address_keeps", async ({ page }) => {
    await signIn(page, operatorToken);
    await page.locator(".map canvas").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    const detail = page.getByRole("complementary", { name: /^Node / });
    await expect(detail).toContainText("simulated");
    const name = await detail.getByRole("heading").textContent();
    await page.reload();
    await expect(detail.getByRole("heading", { name: name ?? "" })).toBeVisible();
    await detail.getByRole("button", { name: "Close" }).click();
    await expect(detail).toBeHidden();
  });

  test("the_table_is_searched_and_filtered_by_state", async ({ page, operator }) => {
    const nodes = await operator.items<Node>("/v1/system/nodes");
    const [first] = nodes;
    await signIn(page, operatorToken);
    await expect(page.getByRole("searchbox")).toBeVisible();
    await page.keyboard.press("/");
    await page.keyboard.type(first?.name ?? "");
    await expect(page).toHaveURL(new RegExp(`find=${first?.name}`));
    await expect(page.getByRole("group", { name: "Nodes" }).getByRole("button", { name: first?.name })).toBeVisible();
    await page.goto("/console/fleet?state=allocated");
    const allocated = nodes.filter((node) => node.status.state === "allocated").length;
    await expect(
      page.getByText(`${counted.format(allocated)} of ${counted.format(nodes.length)} · allocated only`),
    ).toBeVisible();
  });
});

test.describe("an action", () => {
  test.use({ permissions: ["clipboard-read", "clipboard-write"], expected: [/422/] });
  test("shows_its_effect_and_refusals_at_the_field_copies_itself_and_is_done", async ({ page, operator }) => {
    const node = (await operator.items<Node>("/v1/system/nodes")).find((one) => one.status.state === "ready");
    await signIn(page, operatorToken, `/console/fleet?node=${node?.id}`);
    const detail = page.getByRole("complementary", { name: `Node ${node?.name}` });
    await detail.getByRole("button", { name: "Cordon" }).click();
    const dialog = page.getByRole("dialog", { name: `Cordon ${node?.name}` });
    const effect = dialog.getByRole("region", { name: "Effect" });
    await expect(effect).toContainText("Shown once the form is filled in");
    await dialog.getByLabel("Reason").fill("x".repeat(2000));
    await page.keyboard.press("Tab");
    await expect(dialog.getByLabel("Reason")).toHaveAttribute("aria-invalid", "true");
    await expect(effect).toContainText("It would be refused");
    await dialog.getByLabel("Reason").fill("it's loud");
    await expect(effect).toContainText("It would be accepted");
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Copy as curl" }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toContain(`/v1/system/nodes/${node?.id}/cordon`);
    expect(copied).toContain(`'{"reason":"it'\\''s loud"}'`);
    await dialog.getByRole("button", { name: "Cordon", exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect(detail.getByText("it's loud")).toBeVisible();
    await detail.getByRole("button", { name: "Uncordon" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Uncordon", exact: true }).click();
    await expect(detail.getByRole("button", { name: "Cordon", exact: true })).toBeFocused();
  });
});

test("rows_are_sorted_walked_by_j_and_k_and_taken_along_as_csv", async ({ page, operator }) => {
  const nodes = await operator.items<Node>("/v1/system/nodes");
  await signIn(page, operatorToken, "/console/fleet");
  const table = page.getByRole("group", { name: "Nodes" });
  await table.getByRole("button", { name: "Node", exact: true }).click();
  await table.getByRole("button", { name: "Node", exact: true }).click();
  await expect(table.getByRole("columnheader", { name: "Node" })).toHaveAttribute("aria-sort", "descending");
  const last =
    nodes
      .map((node) => node.name)
      .sort()
      .at(-1) ?? "";
  await page.getByRole("heading", { level: 1 }).focus();
  await page.keyboard.press("j");
  await expect(table.getByRole("button", { name: last })).toBeFocused();
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("complementary", { name: `Node ${last}` })).toBeVisible();
  const downloads = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV" }).click();
  const stream = await (await downloads).createReadStream();
  let csv = "";
  for await (const chunk of stream) csv += String(chunk);
  expect(csv.trim().split(/\r?\n/)).toHaveLength(nodes.length + 1);
});
