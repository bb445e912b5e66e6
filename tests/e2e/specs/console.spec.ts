// The promises of the console, kept in a browser against a running Sluice.
import { expect, expectAccessible, operatorToken, signIn, tenantToken, test } from "./support";

interface Node {
  name: string;
  gpu_count: number;
  status: { state: string; allocated_gpu_milli: number };
}
interface Reservation {
  id: string;
  name: string | null;
  count: number;
  status: { state: string };
}

const counted = new Intl.NumberFormat("en-US");

test.describe("signing in", () => {
  test("a_token_opens_the_console_and_is_kept_nowhere", async ({ page, context }) => {
    await signIn(page, operatorToken);
    await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
    const seen = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
    expect(seen).toEqual([0, 0, ""]);
    const [cookie, ...others] = await context.cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({
      name: "__Host-sluice",
      httpOnly: true,
      secure: true,
      sameSite: "Strict",
      path: "/",
    });
    expect(cookie?.value).not.toContain(operatorToken.split("_")[3]);
    await page.reload();
    await expect(page.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
    const other = await context.newPage();
    await other.goto("/console/");
    await expect(other.getByRole("heading", { name: "Fleet", level: 1 })).toBeVisible();
  });

  test("signing_out_ends_the_session_and_takes_the_cookie", async ({ page, context }) => {
    await signIn(page, operatorToken);
    const kept = await context.cookies();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByLabel("Token")).toBeVisible();
    expect(await context.cookies()).toEqual([]);
    const head = { Cookie: kept.map(({ name, value }) => `${name}=${value}`).join("; ") };
    expect((await page.request.get("/v1/me", { headers: head })).status()).toBe(401);
  });

  test.describe("with a wrong token", () => {
    test.use({ expected: [/401/] });
    test("the_problem_is_shown_and_nothing_is_kept", async ({ page }) => {
      await page.goto("/console/");
      await page.getByLabel("Token").fill("slu_nobody");
      await page.getByRole("button", { name: "Sign in" }).click();
      await expect(page.getByRole("alert")).toContainText("unauthenticated");
      await expect(page.getByLabel("Token")).toBeVisible();
      expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
      await expectAccessible(page);
    });
  });
});

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

test.describe("economics", () => {
  test("shows_the_totals_of_the_api", async ({ page, operator }) => {
    const { domain_time } = await operator.get<{ domain_time: string }>("/v1/me");
    const day = (ago: number): string =>
      new Date(Date.parse(domain_time.slice(0, 10)) - ago * 86_400_000).toISOString().slice(0, 10);
    const margin = await operator.get<{
      totals: { revenue: { amount: string } };
      items: unknown[];
      idle: { cause: string }[];
    }>(`/v1/system/margin?by=day&from=${day(30)}&to=${day(0)}`);
    expect(Number(margin.totals.revenue.amount)).toBeGreaterThan(0);
    const revenue = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" }).format(
      Number(margin.totals.revenue.amount),
    );
    await signIn(page, operatorToken, "/console/economics");
    await expect(page.locator(".stat").filter({ has: page.getByText("Revenue", { exact: true }) })).toContainText(
      revenue,
    );
    await page.locator(".chart canvas").focus();
    await page.keyboard.press("ArrowLeft");
    await expect(page.locator(".readout")).toContainText("margin");
    await page.getByText("The same as a table").click();
    const table = page.getByRole("group", { name: "Revenue against amortization by day" }).getByRole("row");
    await expect(table).toHaveCount(margin.items.length + 1);
    await expect(page.getByRole("group", { name: "Idle by cause" }).getByRole("row")).toHaveCount(
      margin.idle.length + 1,
    );
    await page.getByRole("button", { name: "90 days" }).click();
    await expect(page).toHaveURL(/days=90/);
  });
});

test("a_tenant_sees_its_own_and_no_fleet", async ({ page, tenant }) => {
  const mine = await tenant.items<Reservation>("/v1/reservations");
  await signIn(page, tenantToken);
  await expect(page.getByRole("heading", { name: "Reservations", level: 1 })).toBeVisible();
  await expect(page.getByRole("table")).toHaveAttribute("aria-rowcount", String(mine.length + 1));
  await page.getByRole("link", { name: "Fleet" }).click();
  await expect(page.getByText("The fleet is the provider’s view")).toBeVisible();
  await page.goto(`/console/reservations/${mine[0]?.id}`);
  await expect(page.getByText("reservation created")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Economics" }).click();
  await expect(page.getByText(/Invoices of/)).toBeVisible();
});

test("keys_go_to_pages_and_the_heading_gets_the_focus", async ({ page }) => {
  await signIn(page, operatorToken);
  for (const [key, title] of [
    ["r", "Reservations"],
    ["e", "Economics"],
    ["f", "Fleet"],
  ] as const) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await expect(page.getByRole("heading", { level: 1, name: title })).toBeFocused();
    await expect(page).toHaveTitle(`${title} · Sluice`);
  }
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });
    test(`every_page_is_accessible_in_${colorScheme}`, async ({ page }) => {
      await page.goto("/console/");
      await expect(page.locator("html")).toHaveAttribute("data-theme", colorScheme);
      await expect(page.getByLabel("Token")).toBeVisible();
      await expectAccessible(page);
      await signIn(page, operatorToken);
      await page.locator(".map canvas").focus();
      await page.keyboard.press("ArrowRight");
      await expect(page.getByRole("complementary")).toBeVisible();
      await expectAccessible(page);
      await page.goto("/console/reservations");
      await expect(page.getByRole("table")).toBeVisible();
      await expectAccessible(page);
      await page.goto("/console/economics");
      await expect(page.locator(".chart canvas")).toBeVisible();
      await expect(page.getByRole("group", { name: "Margin by tenant" })).toBeVisible();
      await expectAccessible(page);
    });
  });
}

test("the_chosen_theme_outlives_a_reload", async ({ page }) => {
  await signIn(page, operatorToken);
  await page.getByRole("button", { name: /Switch to/ }).click();
  const theme = await page.locator("html").getAttribute("data-theme");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", theme ?? "");
});

test.describe("without the network", () => {
  test.use({ expected: [/ERR_INTERNET_DISCONNECTED|Failed to (load|fetch)|network error/i] });
  test("the_badge_says_since_when_the_screen_is_stale_and_recovers", async ({ page, context }) => {
    await signIn(page, operatorToken);
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    await context.setOffline(true);
    await expect(page.getByText(/^Stale since \d\d:\d\d:\d\d UTC$/)).toBeVisible();
    await context.setOffline(false);
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
  });
});

test("the_answer_carries_the_policy", async ({ request }) => {
  for (const path of ["/console/", "/console/fleet", "/console/reservations/x", "/console/theme.js"]) {
    const answer = await request.get(path);
    expect(answer.status(), path).toBe(200);
    const policy = answer.headers()["content-security-policy"] ?? "";
    const parts = ["default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"];
    expect(policy.split("; "), path).toEqual(expect.arrayContaining(parts));
    expect(policy, path).not.toContain("unsafe");
  }
  expect((await request.get("/console/assets/nothing.js")).status()).toBe(404);
});
