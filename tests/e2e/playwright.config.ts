import { defineConfig } from "@playwright/test";
import { stack, stacks } from "./specs/stack";

// Debian's Chromium, never a downloaded one, without the parts that draw a window: four fifths of the CPU time. --no-sandbox
// because CI runs as root in a container.
const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

// One context and page for all specs of a worker, emptied between them (storage, cookies, routes, media): a new renderer for
// each takes as long as a short spec. Where this Playwright does not know it, each spec has its own.
process.env.PW_TEST_REUSE_CONTEXT = "1";

export default defineConfig({
  testDir: "specs",
  outputDir: process.env.SLUICE_E2E_RESULTS ?? "test-results",
  workers: stacks.length,
  timeout: 120_000, // a crowded machine takes ten times as long as an idle one
  expect: { timeout: 30_000 },
  reporter: [["list"], ["./time-split.ts"]],
  use: {
    baseURL: stack.url,
    viewport: { width: 1440, height: 900 },
    timezoneId: "Asia/Tokyo", // times are UTC wherever one sits
    screenshot: "only-on-failure", // a trace of all steps takes a fifth of the time: --trace on, when one is looked for
    launchOptions: { executablePath: process.env.SLUICE_CHROMIUM ?? "/usr/bin/chromium-headless-shell", args: CHROMIUM_ARGS },
  },
});
