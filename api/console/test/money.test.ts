import { describe, expect, it } from "vitest";
import { formatMicro, formatMoney, formatShare, formatShort, micro } from "../src/format/money";

describe("money", () => {
  it("is_exact_beyond_what_a_float_holds", () => {
    expect(micro("9007199254740993.000001")).toBe(9007199254740993000001n);
    expect(formatMoney({ amount: "9007199254740993.01", currency: "USD" })).toBe("$9,007,199,254,740,993.01");
  });

  it("refuses_what_is_no_decimal_amount", () => {
    for (const amount of ["", "1e3", "1,000", ".5", "1.", "1.2345678", "NaN", " 1"])
      expect(() => micro(amount), amount).toThrow();
  });

  it("rounds_half_away_from_zero", () => {
    expect(formatMicro(5_000n, "USD")).toBe("$0.01");
    expect(formatMicro(4_999n, "USD")).toBe("$0.00");
    expect(formatMicro(-5_000n, "USD")).toBe("\u2212$0.01");
  });

  it("rounds_to_the_smallest_unit_of_the_currency", () => {
    expect(formatMoney({ amount: "1234.5", currency: "JPY" })).toBe("1,235 JPY");
    expect(formatMoney({ amount: "1234.5675", currency: "KWD" })).toBe("1,234.568 KWD");
    expect(formatMoney({ amount: "-0.5", currency: "VND" })).toBe("\u22121 VND");
    expect(formatMoney({ amount: "0", currency: "JPY" })).toBe("0 JPY");
  });

  it("says_a_currency_without_sign_by_its_code", () => {
    expect(formatMoney({ amount: "1234.5", currency: "CHF" })).toBe("1,234.50 CHF");
  });

  it("shortens_to_about_three_figures", () => {
    const short = (amount: string): string => formatShort(micro(amount), "USD").replace("\u202f", " ");
    expect(short("999.99")).toBe("$999.99");
    expect(short("1000")).toBe("$1.00 k");
    expect(short("174334.25")).toBe("$174 k");
    expect(short("6823456.78")).toBe("$6.82 M");
    expect(short("-45600000")).toBe("\u2212$45.6 M");
  });

  it("has_no_share_of_nothing", () => {
    expect(formatShare(1n, 0n)).toBe("\u2013");
    expect(formatShare(-383n, 1000n)).toBe("\u221238.3\u202f%");
  });
});
