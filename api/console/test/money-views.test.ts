import { describe, expect, it } from "vitest";
import { rowProblems, sheetOf } from "../src/assets/sheet";
import { shareOf } from "../src/billing/invoice-actions";
import { pivot } from "../src/billing/pivot";
import { groupPrices, lineOf, type Version } from "../src/billing/price-lines";
import { parseSteps, stepsSentence } from "../src/billing/steps";
import { axisOf, fraction, heightOn, labelEvery, stackOf } from "../src/charts/scale";
import { basisPointsOf, bookValueLine, daysOf, idleStacks, percentOf, poolsIn } from "../src/economics/series";
import { parseCsv, toCsv } from "../src/format/csv";
import { formatRate } from "../src/format/money";

const money = (amount: string) => ({ amount, currency: "USD" });

describe("an axis", () => {
  it("covers_the_data_in_few_steps_and_has_zero", () => {
    for (const [least, most] of [
      [0n, 1n],
      [0n, 7n],
      [0n, 999n],
      [0n, 174_334_250_000n],
      [-5n, 10n ** 15n],
      [-31n, -3n],
      [-900n, 100n],
    ] as const) {
      const axis = axisOf(least, most);
      expect(axis.at(-1)).toBeGreaterThanOrEqual(most);
      expect(axis[0]).toBeLessThanOrEqual(least);
      expect(axis).toContain(0n);
      expect(axis.length).toBeLessThanOrEqual(7);
    }
    expect(axisOf(0n, 0n)).toEqual([0n]);
  });

  it("places_values_between_its_ends", () => {
    const axis = axisOf(-50n, 100n);
    expect(heightOn(axis, axis[0] ?? 0n)).toBe(0);
    expect(heightOn(axis, axis.at(-1) ?? 0n)).toBe(1);
    expect(heightOn([0n], 0n)).toBe(0);
    expect(fraction(1n, 0n)).toBe(0);
  });

  it("labels_no_more_columns_than_there_is_room_for", () => {
    expect(labelEvery(30, 600, 60)).toBe(3);
    expect(labelEvery(5, 600, 60)).toBe(1);
    expect(labelEvery(0, 600, 60)).toBe(1);
  });
});

describe("a stack", () => {
  it("piles_what_is_positive_up_and_what_is_negative_down", () => {
    expect(stackOf([5n, -2n, 0n, 3n, -4n])).toEqual([
      { series: 0, from: 0n, to: 5n },
      { series: 1, from: 0n, to: -2n },
      { series: 3, from: 5n, to: 8n },
      { series: 4, from: -2n, to: -6n },
    ]);
  });

  it("of_idle_keeps_causes_in_their_order_and_sums_exactly", () => {
    const item = (period_start: string, cause: string, amount: string) => ({
      period_start,
      cause,
      amount: money(amount),
    });
    const { causes, stacks } = idleStacks([
      item("2026-01-02", "failed", "0.000001"),
      item("2026-01-01", "unsold", "10"),
      item("2026-01-02", "unsold", "2.5"),
      item("2026-01-02", "eclipse", "1"),
    ]);
    expect(causes).toEqual(["unsold", "failed", "eclipse"]);
    expect(stacks).toEqual([
      { start: "2026-01-01", parts: [10_000_000n, 0n, 0n] },
      { start: "2026-01-02", parts: [2_500_000n, 1n, 1_000_000n] },
    ]);
  });
});

describe("days", () => {
  const pools = {
    amortization: money("2"),
    power: money("0.25"),
    colocation: money("0"),
    operations: money("0"),
    network: money("0"),
    storage: money("0"),
  };
  const day = (key: string, revenue: string) => ({ key, revenue: money(revenue), cost: money("2.25"), ...pools });

  it("stand_in_order_and_stay_exact", () => {
    const days = daysOf([day("2026-02-02", "1.5"), day("2026-02-01", "0.000001")]);
    expect(days.map(({ day: each, revenue, provisional }) => [each, revenue, provisional])).toEqual([
      ["2026-02-01", 1n, false],
      ["2026-02-02", 1_500_000n, false],
    ]);
    expect(poolsIn(days)).toEqual(["amortization", "power"]);
  });
});

describe("a share", () => {
  it("is_read_and_written_in_basis_points", () => {
    for (const [text, value] of [
      ["72.5", 7250],
      ["100", 10000],
      ["0,05", 5],
      ["3 %", 300],
    ] as const)
      expect(basisPointsOf(text)).toBe(value);
    for (const text of ["", "x", "1.234", "-1", "1e2"]) expect(basisPointsOf(text)).toBeNull();
    for (const value of [0, 5, 50, 7250, 10000]) expect(basisPointsOf(percentOf(value))).toBe(value);
  });
});

describe("a book value", () => {
  it("falls_to_nothing_at_the_end_of_its_life", () => {
    expect(bookValueLine(100n, 4, 6)).toEqual([100n, 75n, 50n, 25n, 0n, 0n, 0n]);
  });
});

describe("a price of a GPU-hour", () => {
  it("has_two_decimals_or_as_many_as_it_needs", () => {
    expect(["2.490000", "0.093925", "2.000000", "1.234500"].map((amount) => formatRate(money(amount)))).toEqual([
      "$2.49",
      "$0.093925",
      "$2.00",
      "$1.2345",
    ]);
  });
});

describe("CSV", () => {
  it("comes_back_as_it_was_written", () => {
    const rows = [
      ["a", 'says "no"', "x,y"],
      ["", "two\nlines", "-1.50"],
    ];
    expect(parseCsv(toCsv(rows))).toEqual(rows);
  });

  it("is_read_with_either_line_end_and_without_empty_rows", () => {
    expect(parseCsv("a,b\r\n\r\n1,2\n\n3,\n")).toEqual([
      ["a", "b"],
      ["1", "2"],
      ["3", ""],
    ]);
    expect(parseCsv('a\n"open')).toBeNull();
    expect(parseCsv('a\n"x"y')).toBeNull();
    expect(parseCsv("")).toEqual([]);
  });

  it("is_no_formula_to_a_spreadsheet", () => {
    expect(toCsv([["=1+1", "-cmd", "-5.00"]])).toBe("'=1+1,'-cmd,-5.00\r\n");
  });
});

describe("a sheet", () => {
  it("shows_what_is_wrong_at_its_cell", () => {
    const sheet = sheetOf("\ufeffserial,cost.amount\nA1,x\n,5.00\n");
    expect(sheet?.head).toEqual(["serial", "cost.amount"]);
    const problem = {
      status: 422,
      code: "out_of_range",
      title: "",
      detail: null,
      requestId: null,
      more: {},
      retryable: false,
      retryAfter_s: null,
    };
    const errors = [
      { pointer: "/rows/1/serial", code: "missing_field", detail: "line 3: is required" },
      { pointer: "/rows/0/cost/amount", code: "wrong_type", detail: "line 2: is no amount" },
      { pointer: "/rows/1", code: "wrong_type", detail: "has 1 cells" },
      { pointer: "", code: "other", detail: "else" },
    ];
    const { rows, rest } = rowProblems({ ...problem, errors }, sheet?.head ?? []);
    expect(rows).toEqual([
      { row: 0, column: 1, detail: "is no amount" },
      { row: 1, column: -1, detail: "has 1 cells" },
      { row: 1, column: 0, detail: "is required" },
    ]);
    expect(rest).toHaveLength(1);
  });
});

describe("versions of a price", () => {
  const version = (id: string, from: string | null, until: string | null, more: Partial<Version> = {}): Version => ({
    id,
    sku_kind: "instance_type",
    sku: "h100.8x",
    tier: "reserved",
    tenant: null,
    project: null,
    valid_from: from,
    valid_until: until,
    withdrawn_at: null,
    ...more,
  });

  it("are_grouped_by_what_they_are_of_oldest_first", () => {
    const groups = groupPrices([
      version("c", "2026-03-01T00:00:00Z", null, { tenant: "acme" }),
      version("b", "2026-02-01T00:00:00Z", null),
      version("a", null, "2026-02-01T00:00:00Z"),
    ]);
    expect(groups.map((group) => group.versions.map(({ id }) => id))).toEqual([["a", "b"], ["c"]]);
  });

  it("stand_on_a_line_without_gap_and_know_the_present", () => {
    const versions = [
      version("a", null, "2026-02-01T00:00:00Z"),
      version("b", "2026-02-01T00:00:00Z", "2026-06-01T00:00:00Z"),
      version("c", "2026-06-01T00:00:00Z", null),
    ];
    const { stretches, now } = lineOf(versions, "2026-03-01T00:00:00Z");
    expect(stretches.map(({ kind }) => kind)).toEqual(["past", "now", "later"]);
    expect(stretches[0]?.from).toBe(0);
    expect(stretches[2]?.to).toBe(1);
    expect(stretches[0]?.to).toBe(stretches[1]?.from);
    expect(now).toBeGreaterThan(stretches[1]?.from ?? 1);
    expect(now).toBeLessThan(stretches[1]?.to ?? 0);
  });
});

describe("a statement", () => {
  it("has_a_row_for_each_line_and_a_column_for_each_month", () => {
    const item = (month: string, section: string, line: string, amount: string) => ({
      month,
      currency: "USD",
      section,
      line,
      amount,
    });
    const [table] = pivot([
      item("2026-02-01", "income", "revenue", "2"),
      item("2026-01-01", "income", "revenue", "1"),
      item("2026-02-01", "income", "sla", "3"),
    ]);
    expect(table?.months).toEqual(["2026-01-01", "2026-02-01"]);
    expect(table?.rows.map((row) => row.amounts)).toEqual([
      ["1", "2"],
      [undefined, "3"],
    ]);
  });
});

describe("steps of a policy", () => {
  it("are_written_one_a_line", () => {
    const steps = [
      { least: 0, share_bp: 10000 },
      { least: 86400, share_bp: 2550 },
    ];
    expect(parseSteps("0: 100\n 86400: 25,5 %")).toEqual(steps);
    expect(parseSteps("whatever")).toBe("whatever");
  });

  it("are_read_in_the_unit_of_their_kind", () => {
    expect(stepsSentence("cancellation", [{ least: 86400, share_bp: 2500 }])).toBe(
      "25\u202f% from 1\u202fd before the start",
    );
    expect(stepsSentence("sla_credit", [{ least: 250, share_bp: 1000 }])).toBe(
      "10\u202f% from 2.5\u202f% not delivered",
    );
  });
});

describe("a credit", () => {
  it("of_a_share_is_of_every_line", () => {
    expect(shareOf("10")).toEqual({ numerator: 1000, denominator: 10000 });
    expect(shareOf("half")).toBe("half");
  });
});
