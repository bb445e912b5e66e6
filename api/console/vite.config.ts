import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { budget } from "./budget";

// No asset is inlined: the policy is default-src 'self', which refuses data: URLs.
export default defineConfig({
  base: "/console/",
  plugins: [react(), budget()],
  build: {
    assetsInlineLimit: 0,
    target: "es2022",
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/v1": "http://127.0.0.1:7070" } },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
});
