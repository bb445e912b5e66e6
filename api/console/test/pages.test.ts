import { expect, test } from "vitest";
import type { Me } from "../src/api/model";
import { PAGES, pagesFor } from "../src/app/pages";

test("no two pages of an audience share a key or an address", () => {
  for (const role of ["system_admin", "admin"]) {
    const pages = pagesFor({ role } as Me);
    expect(pages.length).toBeGreaterThan(0);
    expect(new Set(pages.map((page) => page.key)).size).toBe(pages.length);
    expect(new Set(pages.map((page) => page.path)).size).toBe(pages.length);
  }
});

test("a tenant is offered no page of the provider", () => {
  const paths = pagesFor({ role: "admin" } as Me).map((page) => page.path);
  for (const page of PAGES) if (page.audience === "provider") expect(paths).not.toContain(page.path);
});
