import { defineConfig } from "@playwright/test";

// Debian's Chromium, never a downloaded one; --no-sandbox because CI runs as root in a container.
const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

export default defineConfig({
  testDir: "specs",
  outputDir: process.env.SLUICE_E2E_RESULTS ?? "test-results",
  workers: 1,
  timeout: 45_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    baseURL: process.env.SLUICE_E2E_URL ?? "http://127.0.0.1:7070",
    viewport: { width: 1440, height: 900 },
    timezoneId: "Asia/Tokyo", // times are UTC wherever one sits
    trace: "retain-on-failure",
    launchOptions: { executablePath: process.env.SLUICE_CHROMIUM ?? "/usr/bin/chromium", args: CHROMIUM_ARGS },
  },
});
