import { describe, expect, test } from "vitest";
import { problemFrom } from "../src/api/problem";
import { bodyOf, initialValues, isComplete, refusalsOf, type Field, type Values } from "../src/ui/fields";

const FIELDS: readonly Field[] = [
  { at: "/name", label: "Name", kind: "text", required: true },
  { at: "/cost/amount", label: "Cost", kind: "decimal", required: true },
  {
    at: "/cost/currency",
    label: "Currency",
    kind: "choice",
    required: true,
    options: [{ value: "USD", label: "US dollar" }],
  },
  { at: "/count", label: "Count", kind: "integer" },
  { at: "/nodes", label: "Nodes", kind: "names" },
  { at: "/note", label: "Note", kind: "area", nullable: true },
  { at: "/fast", label: "Fast", kind: "flag" },
  { at: "/starts_at", label: "Start", kind: "instant" },
];

describe("the body of a form", () => {
  test("has each value at its pointer, in the type of its field, and nothing that was left empty", () => {
    const values = {
      "/name": " a ",
      "/cost/amount": "1.50",
      "/cost/currency": "USD",
      "/nodes": "n1, n2\nn3",
      "/fast": "true",
    };
    expect(bodyOf(FIELDS, values, { kind: "x", cost: { vat: "0.00" } })).toEqual({
      kind: "x",
      name: "a",
      cost: { vat: "0.00", amount: "1.50", currency: "USD" },
      nodes: ["n1", "n2", "n3"],
      note: null,
      fast: true,
    });
  });

  test("turns numbers and instants into the API's form and leaves what is none for the API to refuse", () => {
    expect(bodyOf(FIELDS, { "/count": "12", "/starts_at": "2026-01-12T08:00" })).toMatchObject({
      count: 12,
      starts_at: "2026-01-12T08:00:00Z",
    });
    expect(bodyOf(FIELDS, { "/count": "many", "/starts_at": "soon" })).toMatchObject({
      count: "many",
      starts_at: "soon",
    });
  });

  test("is complete when all that is required is filled in", () => {
    const values: Values = { ...initialValues(FIELDS), "/name": "a" };
    expect(values["/cost/currency"]).toBe("USD");
    expect(isComplete(FIELDS, values)).toBe(false);
    expect(isComplete(FIELDS, { ...values, "/cost/amount": "1" })).toBe(true);
  });
});

test("an error stands at the field of its pointer or of what is around it, and is never lost", () => {
  const errors = [
    { pointer: "/count", code: "out_of_range", detail: "must be 1 to 4096" },
    { pointer: "/nodes/3", code: "unknown", detail: "does not exist" },
    { pointer: "/nodes/4", code: "unknown", detail: "is retired" },
    { pointer: "/countless", code: "unknown_field", detail: "is not known" },
  ];
  const { at, rest } = refusalsOf(
    problemFrom(new Response(null, { status: 422 }), { title: "not valid", errors }),
    FIELDS,
  );
  expect(at).toEqual({ "/count": "must be 1 to 4096", "/nodes": "does not exist; is retired" });
  expect(rest.map((error) => error.pointer)).toEqual(["/countless"]);
});
