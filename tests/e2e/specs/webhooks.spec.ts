// Webhooks: made with a secret that is shown once, heard by a receiver that checks the signature, brought once more.
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import {
  expect,
  expectAccessibleInBothThemes,
  operatorToken,
  present,
  signIn,
  tenantToken,
  test as base,
} from "./support";

interface Heard {
  headers: IncomingHttpHeaders;
  body: string;
}

/** Where the webhook leads to: keeps what comes, and answers as it is told. */
interface Receiver {
  url: string;
  heard: Heard[];
  answer: number;
}

const test = base.extend<{ receiver: Receiver }>({
  receiver: async ({}, use) => {
    const receiver: Receiver = { url: "", heard: [], answer: 204 };
    const server = createServer((request, answer) => {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        receiver.heard.push({ headers: request.headers, body });
        answer.writeHead(receiver.answer).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${Date.now()}`;
    await use(receiver);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  },
});

/** Standard Webhooks: over "<id>.<timestamp>.<body>", with what stands behind whsec_. */
function signature(secret: string, { headers, body }: Heard): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

test.describe("a webhook", () => {
  test.use({ expected: [/422/] });
  test("is_made_with_a_secret_shown_once_that_signs_what_is_brought", async ({ page, receiver }) => {
    await signIn(page, tenantToken, "/console/webhooks");
    await page.getByRole("button", { name: "Make a webhook" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Leads to").fill("ftp://127.0.0.1/");
    await dialog.getByLabel("What for").fill("the pager");
    await expect(dialog.getByLabel("Leads to")).toHaveAttribute("aria-invalid", "true");
    await dialog.getByLabel("Leads to").fill(receiver.url);
    await expect(dialog.getByRole("region", { name: "Effect" })).toContainText("It would be accepted");
    await dialog.getByRole("button", { name: "Make a webhook" }).click();
    const secret = present(await dialog.locator("code").textContent(), "the secret");
    expect(secret).toMatch(/^whsec_/);
    await dialog.getByRole("button", { name: "Close" }).click();
    await expect(page.getByText(secret)).toHaveCount(0);
    await expectAccessibleInBothThemes(page);
    await page.getByRole("link", { name: receiver.url }).click();
    await expect(page.getByRole("heading", { level: 2, name: receiver.url })).toBeVisible();
    expect(await page.content()).not.toContain(secret);

    await page.getByRole("button", { name: "Ping" }).click();
    await dialog.getByRole("button", { name: "Ping" }).click();
    await expect.poll(() => receiver.heard.length).toBe(1);
    const [ping] = receiver.heard as [Heard];
    expect(ping.headers["webhook-signature"]).toBe(signature(secret, ping));
    await expect(page.getByRole("row", { name: /webhook.ping/ })).toContainText("delivered");
    await expectAccessibleInBothThemes(page);
  });
});

test("what_was_refused_says_so_and_is_brought_once_more_under_the_same_id", async ({ page, tenant, receiver }) => {
  const { id } = await tenant.post<{ id: string }>("/v1/webhooks", { url: receiver.url, events: ["project.*"] });
  receiver.answer = 503;
  await signIn(page, tenantToken, `/console/webhooks/${id}`);
  await expect(page.getByText("No deliveries")).toBeVisible();
  await tenant.post(`/v1/webhooks/${id}/ping`, {});
  const row = page.getByRole("row", { name: /webhook.ping/ });
  await expect(row).toContainText("pending");
  await expect(row.getByRole("cell", { name: "503" })).toBeVisible();
  // By itself it would be tried again in half an hour at the earliest (tests/e2e/run): what comes now was asked for.
  expect(receiver.heard).toHaveLength(1);
  receiver.answer = 204;
  await row.getByRole("button", { name: "Once more" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Once more" }).click();
  await expect(row).toHaveCount(2);
  await expect(row.filter({ hasText: "delivered" })).toHaveCount(1);
  await expect(row.filter({ hasText: "pending" })).toHaveCount(1);
  expect(receiver.heard).toHaveLength(2);
  const [refused, brought] = receiver.heard as [Heard, Heard];
  expect(brought.headers["webhook-id"]).toBe(refused.headers["webhook-id"]);
  expect(brought.body).toBe(refused.body);
});

test("what_fails_leads_the_operator_to_whose_it_is_and_what_was_wrong", async ({ page, tenant, receiver }) => {
  const { id } = await tenant.post<{ id: string }>("/v1/webhooks", { url: receiver.url, events: ["project.*"] });
  receiver.answer = 503;
  await tenant.post(`/v1/webhooks/${id}/ping`, {});
  await expect.poll(() => receiver.heard.length).toBe(1);
  const path = `/v1/webhooks/${id}`;
  await expect.poll(async () => (await tenant.get<{ status: { state: string } }>(path)).status.state).toBe("failing");
  await signIn(page, operatorToken, "/console/overview");
  await page.getByRole("link", { name: /Webhooks that fail/ }).click();
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: receiver.url }) });
  await expect(row).toContainText("failing");
  await expect(row).toContainText("acme");
  await expectAccessibleInBothThemes(page);
  await row.getByRole("link").click();
  await expect(page.getByText("Only the admins of acme change it")).toBeVisible();
  await expect(page.getByRole("row", { name: /webhook.ping/ })).toContainText("503");
  await expect(page.getByRole("button", { name: "Once more" })).toHaveCount(0);
  await expectAccessibleInBothThemes(page);
});

test.describe("one that is deleted", () => {
  test.use({ expected: [/404/] }); // what the page had asked for when it was deleted

  test("a_rotated_secret_signs_beside_the_one_before_and_a_deleted_webhook_is_gone", async ({
    page,
    tenant,
    receiver,
  }) => {
    const made = await tenant.post<{ id: string; secret: string }>("/v1/webhooks", {
      url: receiver.url,
      events: ["project.*"],
    });
    await signIn(page, tenantToken, `/console/webhooks/${made.id}`);
    await page.getByRole("button", { name: "Rotate the secret" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByLabel("Both sign for, in seconds")).toHaveValue("86400");
    await dialog.getByRole("button", { name: "Rotate the secret" }).click();
    const secret = present(await dialog.locator("code").textContent(), "the secret");
    expect(secret).not.toBe(made.secret);
    await dialog.getByRole("button", { name: "Close" }).click();
    await tenant.post(`/v1/webhooks/${made.id}/ping`, {});
    await expect.poll(() => receiver.heard.length).toBe(1);
    const [ping] = receiver.heard as [Heard];
    const signatures = String(ping.headers["webhook-signature"]).split(" ");
    expect(signatures.sort()).toEqual([signature(secret, ping), signature(made.secret, ping)].sort());

    await page.getByRole("button", { name: "Delete" }).click();
    await expect(dialog.getByRole("button", { name: "Delete" })).toBeDisabled();
    await dialog.getByLabel(/to confirm$/).fill(new URL(receiver.url).host);
    await dialog.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Webhooks" })).toBeVisible();
    await expect(page.getByRole("link", { name: receiver.url })).toHaveCount(0);
    expect(await tenant.items("/v1/webhooks")).not.toContainEqual(expect.objectContaining({ id: made.id }));
  });

  test("the_providers_own_webhook_is_made_changed_and_deleted_under_system", async ({ page, receiver }) => {
    await signIn(page, operatorToken, "/console/system?tab=webhooks");
    await page.getByRole("button", { name: "Make a webhook" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Leads to").fill(`${receiver.url}/typo`);
    await dialog.getByLabel("Events").fill("capacity.none");
    await dialog.getByRole("button", { name: "Make a webhook" }).click();
    await expect(dialog.locator("code")).toContainText("whsec_");
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByRole("link", { name: `${receiver.url}/typo` }).click();
    await page.getByRole("button", { name: "Change", exact: true }).click();
    await dialog.getByLabel("Leads to").fill(receiver.url);
    await dialog.getByRole("button", { name: "Change", exact: true }).click();
    await expect(page.getByRole("heading", { level: 2, name: receiver.url, exact: true })).toBeVisible();
    await page.getByRole("button", { name: "Ping" }).click();
    await dialog.getByRole("button", { name: "Ping" }).click();
    await expect(page.getByRole("row", { name: /webhook.ping/ })).toContainText("delivered");
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByLabel(/to confirm$/).fill(new URL(receiver.url).host);
    await dialog.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "System" })).toBeVisible();
    await expect(page.getByRole("link", { name: receiver.url })).toHaveCount(0);
  });
});
