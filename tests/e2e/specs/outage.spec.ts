// The server dies, and comes back: the console says so, recovers by itself, and does nothing twice. The browser talks to a
// replica of sluice-api that is killed (SIGKILL) and started again; what happens meanwhile happens by the other.
import { dayReserved, expect, expectAccessible, operatorToken, rowOf, signIn, tenantToken, test as base } from "./support";
import { Replica, type ReplicaSettings } from "./replica";
import { stack } from "./stack";

const test = base.extend<{ replica: Replica }>({
  replica: async ({}, use) => {
    base.skip(stack.replica === null, "this Sluice was started by somebody else");
    const replica = new Replica(stack.replica as ReplicaSettings);
    try {
      await replica.start();
      await use(replica);
    } finally {
      await replica.stop();
    }
  },
});

// The stream is asked for again after up to 15 s (src/live/stream.ts), so it may come as late as that after the server.
const REJOINED = { timeout: 40_000 };
test.describe.configure({ timeout: 120_000 });

test.use({ expected: [/ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY_RESPONSE|Failed to (load|fetch)|network error/i] });

test("a_dead_server_is_said_and_when_it_is_back_all_is_fresh_without_a_reload", async ({ page, replica, tenant }) => {
  const resumed: (string | undefined)[] = [];
  page.on("request", (request) => {
    const headers = request.headers();
    if (headers.accept === "text/event-stream") resumed.push(headers["last-event-id"]);
  });

  await signIn(page, operatorToken, `${replica.url}/console/reservations`);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  const before = await dayReserved(tenant, "before");
  await expect(rowOf(page, before.name)).toContainText("scheduled");
  await page.evaluate(() => (document.documentElement.dataset.loaded = "once"));

  await replica.kill();
  await expect(page.getByText(/^Stale since \d\d:\d\d:\d\d UTC$/)).toBeVisible();
  await tenant.post(`/v1/reservations/${before.id}/cancel`, {});
  const meanwhile = await dayReserved(tenant, "meanwhile");
  await expect(rowOf(page, before.name)).toContainText("scheduled");
  await expect(rowOf(page, meanwhile.name)).toHaveCount(0);

  await replica.start();
  await expect(page.getByText("Live", { exact: true })).toBeVisible(REJOINED);
  await expect(rowOf(page, meanwhile.name)).toContainText("scheduled");
  await expect(rowOf(page, before.name)).toContainText("cancelled");
  expect(resumed.at(-1)).toBeDefined();
  await tenant.post(`/v1/reservations/${meanwhile.id}/cancel`, {});
  await expect(rowOf(page, meanwhile.name)).toContainText("cancelled");
  await expect(page.locator("html")).toHaveAttribute("data-loaded", "once");
});

test.describe("where the database is away", () => {
  test.use({ expected: [/503/] });
  test("a_page_that_is_loaded_says_so_and_signs_nobody_out", async ({ page }) => {
    await signIn(page, operatorToken, "/console/maintenance");
    const answer = { status: 503, json: { title: "The database cannot be reached", code: "database_unavailable" } };
    await page.route("**/v1/me", (route) => route.fulfill(answer));
    await page.reload();
    await expect(page.getByRole("alert")).toContainText("The database cannot be reached");
    await expect(page.getByLabel("Token")).toHaveCount(0);
    await expectAccessible(page);
    await page.unroute("**/v1/me");
    await expect(page.getByRole("heading", { level: 1, name: "Maintenance" })).toBeVisible();
  });
});

test("a_change_whose_answer_died_with_the_server_is_sent_again_and_done_once", async ({ page, replica, tenant }) => {
  const name = `lost-${Date.now()}`;
  await signIn(page, tenantToken, `${replica.url}/console/access?tab=projects`);
  await page.getByRole("button", { name: "Make a project" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await expect(dialog.getByRole("region", { name: "Effect" })).toContainText("It would be accepted");
  await page.exposeFunction("killServer", () => replica.kill());
  await page.evaluate(() => {
    const real = window.fetch;
    window.fetch = async (input, init) => {
      const answer = await real(input, init);
      if (!String(input).endsWith("/v1/projects")) return answer;
      window.fetch = real;
      await (window as unknown as { killServer(): Promise<void> }).killServer();
      throw new TypeError("Failed to fetch");
    };
  });
  const make = dialog.getByRole("button", { name: "Make a project" });
  await make.click();
  await expect(dialog.getByRole("alert")).toContainText("The API does not answer");
  await expect(dialog.getByLabel("Name")).toHaveValue(name);
  await replica.start();
  await make.click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("group", { name: "Projects" }).getByRole("row").filter({ hasText: name })).toHaveCount(1);
  const made = (await tenant.items<{ name: string }>("/v1/projects")).filter((each) => each.name === name);
  expect(made).toHaveLength(1);
});
