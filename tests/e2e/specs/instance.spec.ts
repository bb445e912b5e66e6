// One instance: what its console says, and what is asked of it.
import { expect, expectAccessibleInBothThemes, operatorToken, present, signIn, tenantToken, test } from "./support";
import type { Api } from "./api";

interface Instance {
  id: string;
}

/** A reservation of one instance that runs from now on, under a name of its own. */
async function running(tenant: Api, prefix: string): Promise<{ id: string; name: string; instance: string }> {
  const name = `${prefix}-${Date.now()}`;
  const made = await tenant.post<{ id: string }>("/v1/reservations", {
    name,
    instance_type: "h100.8x",
    count: 1,
    zone: "us-east-1a",
    ends_at: "2026-03-02T00:00:00Z",
  });
  const path = `/v1/reservations/${made.id}/instances`;
  await expect.poll(async () => (await tenant.items<Instance & { state: string }>(path))[0]?.state).toBe("running");
  return { id: made.id, name, instance: present((await tenant.items<Instance>(path))[0], "its instance").id };
}

test("what_it_says_is_shown_and_goes_on_while_it_is_rebooted", async ({ page, tenant }) => {
  const made = await running(tenant, "says");
  await signIn(page, tenantToken, `/console/reservations/${made.id}`);
  await page.getByRole("link", { name: made.instance }).click();
  const lines = page.getByRole("list", { name: "What it said" });
  await expect(lines.getByRole("listitem")).toHaveCount(2);
  await expect(lines.getByRole("listitem").first()).toContainText("sim: power on, attempt 1");
  await expect(page.getByRole("button", { name: /^Start ?: only what is stopped/ })).toBeVisible();
  await page.getByRole("button", { name: "Reboot" }).press("Enter");
  const dialog = page.getByRole("dialog");
  const reboot = dialog.getByRole("button", { name: "Reboot", exact: true });
  await expect(reboot).toBeDisabled();
  await dialog.getByLabel(`Type ${made.name} to confirm`).fill(made.name);
  await dialog.getByLabel(`Type ${made.name} to confirm`).press("Enter");
  await expect(dialog).toBeHidden();
  await expect(lines.getByText("sim: shutdown asked")).toBeVisible();
  await expect(lines.getByText("sim: power on, attempt 1")).toHaveCount(2);
  await expect(page.getByRole("region", { name: "What was asked of it" })).toContainText("done");
  await lines.focus();
  await expect(lines).toBeFocused();
  await expectAccessibleInBothThemes(page);
  await tenant.post(`/v1/reservations/${made.id}/cancel`, {});
});

test("an_operator_stops_it_by_the_palette_and_a_viewer_reads_no_console", async ({ page, operator, tenant }) => {
  const made = await running(tenant, "stops");
  await signIn(page, operatorToken, `/console/reservations/instances/${made.instance}`);
  await expect(page.getByRole("list", { name: "What it said" })).toContainText("sim: up at");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("stop");
  await page.getByRole("option", { name: /^Stop instance 0 of/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(`Type ${made.name} to confirm`).fill(made.name);
  await dialog.getByRole("button", { name: "Stop", exact: true }).click();
  await expect(page.getByRole("list", { name: "What it said" })).toContainText("sim: powered off");
  await expect(page.getByRole("button", { name: "Start", exact: true })).toBeEnabled();
  const viewer = await operator.post<{ token: string }>("/v1/system/tokens", {
    role: "viewer",
    tenant: "acme",
    name: made.name,
  });
  await signIn(page, viewer.token, `/console/reservations/instances/${made.instance}`);
  await expect(page.getByRole("region", { name: "Console" })).toContainText("your role, viewer, does not read it");
  await expect(page.getByRole("button", { name: /^Stop ?: your role/ })).toBeVisible();
  await tenant.post(`/v1/reservations/${made.id}/cancel`, {});
});
