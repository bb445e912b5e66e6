import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { actedOn, matchingItems, wishOf } from "../src/app/palette-items";
import { differences, transactionOf } from "../src/audit/difference";
import { beginOf } from "../src/audit/spans";
import { concernOf, pressing } from "../src/overview/attention";
import { touchedBy } from "../src/live/touches";
import { shareOf, sumsOf } from "../src/overview/sums";
import { zoneIdOf } from "../src/system/leaders";
import { addToProvider, addToTenant } from "../src/system/people-actions";
import { changeActions, TENANT_ROLES } from "../src/tenant/people-actions";
import { bodyOf, initialValues, isComplete } from "../src/ui/fields";
import { sortingOf, type Column } from "../src/ui/table";
import type { Me } from "../src/api/model";

describe("before and after", () => {
  test("differ in members that changed, came or went, at any depth", () => {
    const before = { a: 1, b: { c: "x", d: [1, 2] }, gone: true };
    const after = { a: 1, b: { c: "y", d: [1, 3] }, come: null };
    expect(differences(before, after)).toEqual([
      { at: "/b/c", before: "x", after: "y" },
      { at: "/b/d", before: "[1,2]", after: "[1,3]" },
      { at: "/come", before: null, after: "null" },
      { at: "/gone", before: "true", after: null },
    ]);
    expect(differences(before, before)).toEqual([]);
  });

  test("an event is of the transaction in its position", () => {
    expect(transactionOf("1-4711-93")).toBe("4711");
    expect(transactionOf("4711")).toBeNull();
  });
});

test("a span of the audit begins on the minute, so that its address rests", () => {
  const at = Date.parse("2026-01-12T08:30:59Z");
  expect(beginOf("hour", at)).toBe("2026-01-12T07:30:00Z");
  expect(beginOf("all", at)).toBeUndefined();
});

test("what presses stands gravest first, and what is well not at all", () => {
  const all = [
    { kind: "nodes_in_repair", count: 9, since: null },
    { kind: "nodes_quarantined", count: 1, since: null },
    { kind: "leases_expired", count: 0, since: null },
    { kind: "reservations_stuck", count: 2, since: null },
  ];
  expect(pressing(all).map((one) => one.kind)).toEqual(["reservations_stuck", "nodes_quarantined", "nodes_in_repair"]);
  expect(concernOf("something_new").name).toBe("something new");
});

test("whatever the API says may need a hand has a name here, and a page that mends it", () => {
  const contract = readFileSync(new URL("../src/api/schema.d.ts", import.meta.url), "utf8");
  const kinds = /What needs a hand: ([a-z_]+(?:, [a-z_]+)+)/.exec(contract)?.[1]?.split(", ") ?? [];
  expect(kinds).toContain("leases_expired");
  expect(kinds.map(concernOf).filter((one) => one.to === "/overview")).toEqual([]);
});

test("the fleet is summed over its parts, and has no share of nothing", () => {
  const part = {
    zone: "a",
    gpu_model: "h100",
    nodes: 2,
    gpus_delivered: 16,
    gpus_healthy: 8,
    gpu_milli_reserved: 4000,
    gpu_milli_in_use: 0,
  };
  expect(sumsOf([part, part])).toEqual({ nodes: 4, delivered: 32, healthy: 16, reservedMilli: 8000, inUseMilli: 0 });
  expect(shareOf(8000, 32)).toBe("25.0\u202f%");
  expect(shareOf(0, 0)).toBe("\u2013");
});

test("a lease of a zone names the zone as the API does", () => {
  expect(zoneIdOf("zone:00000000-0000-0000-0000-00000000001f")).toBe("zon_0000000000000000000000000z");
  expect(zoneIdOf("zone:ffffffff-ffff-ffff-ffff-ffffffffffff")).toBe("zon_7zzzzzzzzzzzzzzzzzzzzzzzzz");
  expect(zoneIdOf("billing")).toBeNull();
});

test("the palette finds by every word", () => {
  const items = [
    { name: "Use the dark theme", hint: "", to: "/" },
    { name: "Fleet", hint: "", to: "/" },
  ];
  expect(matchingItems(items, "theme use").map((item) => item.name)).toEqual(["Use the dark theme"]);
  expect(matchingItems(items, " ")).toHaveLength(2);
});

test("a verb and a name are a wish, a name alone is none", () => {
  expect(wishOf("cordon gpu-0041")).toEqual({ verb: "cordon", name: "gpu-0041" });
  expect(wishOf(" Issue  acme north ")).toEqual({ verb: "issue", name: "acme north" });
  expect(wishOf("cordon")).toEqual({ verb: null, name: "cordon" });
  expect(wishOf("gpu-0041 cordon")).toEqual({ verb: null, name: "gpu-0041 cordon" });
});

test("actions are asked for of what was meant: of one thing, or of a few with a verb", () => {
  const found = ["/a", "/b", "/c", "/d"].map((to) => ({ name: to, hint: "", to }));
  expect(actedOn(found, null)).toEqual([]);
  expect(actedOn(found.slice(0, 1), null)).toEqual(["/a"]);
  expect(actedOn(found, "cancel")).toEqual(["/a", "/b", "/c"]);
});

describe("who is added", () => {
  const operator = { role: "operator" } as Me;
  const admin = { role: "system_admin" } as Me;
  const bodyAtFirst = ({ fields = [], fixed }: ReturnType<typeof addToTenant>) =>
    bodyOf(fields, initialValues(fields), fixed);

  test("to a tenant has one of a tenant's roles, and the tenant must be named", () => {
    const { fields = [], refusal } = addToTenant(operator, "members", "member", undefined, []);
    expect(refusal).toBeNull();
    expect(isComplete(fields, initialValues(fields))).toBe(false);
    expect(fields.at(-1)?.options?.map(({ value }) => value)).toEqual(["viewer", "member", "admin", "billing"]);
    expect(bodyAtFirst(addToTenant(operator, "members", "member", "acme", []))).toEqual({
      tenant: "acme",
      role: "member",
    });
  });

  test("to the provider only a system admin decides, and none of a tenant's roles is offered", () => {
    const { fields = [], refusal } = addToProvider(admin, "members", "member", []);
    expect(refusal).toBeNull();
    expect(fields[0]?.options?.map(({ value }) => value)).not.toContain("member");
    expect(bodyAtFirst(addToProvider(admin, "members", "member", []))).toEqual({ tenant: null, role: "auditor" });
    expect(addToProvider(operator, "members", "member", []).refusal).toMatch(/only a system admin/);
  });
});

describe("what is done to somebody", () => {
  const ana = { id: "prn_1", name: "ana", role: "member", disabled: false };
  const to = (person: typeof ana, refusal: string | null = null) =>
    changeActions("/v1/system", "members", person, TENANT_ROLES, refusal);

  test("is asked at its own address, and makes the lists of people and of tokens stale", () => {
    const address = { path: "/v1/system/members/{id}", params: { id: "prn_1" } };
    expect(to(ana).map(({ ask }) => ask)).toEqual([
      { method: "PATCH", ...address },
      { method: "PATCH", ...address },
      { method: "DELETE", ...address },
    ]);
    for (const { touches, refusal } of to(ana, "your role only reads"))
      expect({ touches, refusal }).toEqual({ touches: ["members", "tokens"], refusal: "your role only reads" });
  });

  test("begins from the role it has, turns what is on off and what is off on, and removes none that is not named", () => {
    const [role, disable, remove] = to(ana);
    expect(bodyOf(role?.fields ?? [], initialValues(role?.fields ?? []))).toEqual({ role: "member" });
    expect(disable).toMatchObject({ verb: "Disable", title: "Disable ana", fixed: { disabled: true } });
    expect(to({ ...ana, disabled: true })[1]).toMatchObject({ verb: "Enable", fixed: { disabled: false } });
    expect(remove).toMatchObject({ confirm: "ana" });
  });
});

test("events of people, programs and their tokens make the lists of them stale", () => {
  for (const kind of ["created", "changed", "removed"])
    expect(touchedBy(`principal.${kind}`)).toEqual(["members", "service-accounts", "tokens"]);
  expect(touchedBy("token.removed")).toEqual(["tokens"]);
  expect(touchedBy("tenant.closed")).toEqual(["tenants"]);
  expect(touchedBy("reset")).toEqual(["*"]);
  expect(touchedBy("something.new")).toEqual([]);
});

test("an address may name an order that a table no longer has", () => {
  const columns: Pick<Column<never>, "key" | "sort">[] = [{ key: "name", sort: () => "" }, { key: "do" }];
  expect(sortingOf("-name", columns)).toEqual([{ id: "name", desc: true }]);
  expect(sortingOf("name", columns)).toEqual([{ id: "name", desc: false }]);
  for (const gone of ["-book", "do", "", "-", undefined]) expect(sortingOf(gone, columns)).toEqual([]);
});
