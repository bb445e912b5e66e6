import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { allPages } from "../src/api/pages";
import { askedAgainAfter_ms, isTriedAgain, ProblemError, problemFrom, triedAgainAfter_ms } from "../src/api/problem";
import { byName, dayOf, formatSpan } from "../src/format/text";
import { throttle } from "../src/live/throttle";

describe("a list", () => {
  const pages = [1, 2, 3].map((n) => ({ items: [n], next_page: n < 3 ? `after ${n}` : null }));
  const fetchPage = async (page: string | undefined) => {
    const found = pages[page === undefined ? 0 : Number(page.slice(6))];
    if (found === undefined) throw new Error(`no page ${page}`);
    return found;
  };

  it("is_read_to_its_end", async () => {
    expect(await allPages(fetchPage)).toEqual({ items: [1, 2, 3], capped: false });
  });

  it("admits_that_it_was_cut", async () => {
    expect(await allPages(fetchPage, 2)).toEqual({ items: [1, 2], capped: true });
  });
});

describe("a refusal", () => {
  it("is_a_problem_even_without_a_problem_document", () => {
    const answer = new Response("<html>", { status: 502 });
    expect(problemFrom(answer, "<html>")).toMatchObject({ status: 502, code: "http_502", detail: null, errors: [] });
  });

  it("is_waited_out_as_long_as_the_api_says_and_no_longer_than_somebody_looks_on", () => {
    const refusal = (status: number, retryAfter?: string): ProblemError => {
      const headers = retryAfter === undefined ? {} : { "Retry-After": retryAfter };
      return new ProblemError(problemFrom(new Response(null, { status, headers }), {}));
    };
    expect(triedAgainAfter_ms(0, refusal(503))).toBe(1_000);
    expect(triedAgainAfter_ms(1, refusal(429, "7"))).toBe(7_000);
    expect(triedAgainAfter_ms(0, refusal(429, "600"))).toBe(10_000);
    expect(askedAgainAfter_ms(refusal(429, "600"))).toBeGreaterThanOrEqual(600_000);
    expect(askedAgainAfter_ms(refusal(502))).toBeGreaterThanOrEqual(10_000);
    for (const status of [403, 404, 500]) expect(askedAgainAfter_ms(refusal(status)), String(status)).toBe(false);
    expect(isTriedAgain(1, refusal(502))).toBe(true);
    expect(isTriedAgain(2, refusal(502))).toBe(false);
  });
});

describe("text", () => {
  it("sorts_as_people_count", () => {
    expect(["r10", "r2", "r1"].sort(byName)).toEqual(["r1", "r2", "r10"]);
  });

  it("counts_days_over_month_and_leap_day", () => {
    expect(dayOf("2028-03-01T00:00:00Z", -1)).toBe("2028-02-29");
    expect(dayOf("2026-01-01T23:59:59Z")).toBe("2026-01-01");
  });

  it("names_the_two_largest_units", () => {
    expect(formatSpan(6 * 86400 + 4 * 3600 + 59)).toBe("6\u202fd 4\u202fh");
    expect(formatSpan(0)).toBe("0\u202fs");
  });
});

describe("a flood of events", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("refreshes_soon_then_at_most_once_per_interval_and_never_loses_the_last", () => {
    const flushes: string[][] = [];
    const refresh = throttle(1000, (keys) => flushes.push([...keys]));
    for (let i = 0; i < 500; i++) {
      refresh.touch(i === 499 ? "last" : "nodes");
      vi.advanceTimersByTime(5);
    }
    vi.advanceTimersByTime(2000);
    expect(flushes.length).toBeLessThanOrEqual(5);
    expect(flushes[0]).toEqual(["nodes"]);
    expect(flushes.flat()).toContain("last");
  });
});
