import { describe, expect, it } from "vitest";
import { patched } from "../src/api/lists";
import { queryOf, searchOf } from "../src/reservations/filters";
import { present, racksOf, type Place } from "../src/reservations/placement";
import { differencesOf, factsOf, sentenceOf } from "../src/reservations/refusal";
import { stationsOf } from "../src/reservations/timeline";
import type { Reservation } from "../src/api/model";
import { dayBeside, shadeOf, stepFor, weeksOf } from "../src/reserve/calendar";
import { chosenDays, withDay } from "../src/reserve/choose-day";
import { bodyOf, draftOf, lackOf, offeredBody, searchBodyOf } from "../src/reserve/draft";
import { sumsOf } from "../src/tenant/sums";

const NOW = "2026-01-12T08:30:00Z";

describe("a draft", () => {
  it("comes_from_the_address_and_what_is_nonsense_there_is_not_set", () => {
    const draft = draftOf({
      type: "h100.8x",
      count: "4",
      start: "tomorrow",
      when: "never",
      hours: "-3",
      tier: "reserved",
    });
    expect(draft).toMatchObject({ type: "h100.8x", count: 4, tier: "reserved" });
    expect([draft.start, draft.when, draft.hours]).toEqual([undefined, undefined, undefined]);
  });

  it("tells_what_it_lacks_before_a_step_is_left", () => {
    expect(lackOf({}, "what")).toEqual(["an instance type", "a zone"]);
    expect(lackOf({ zone: "us-east-1a" }, "what")).toEqual(["an instance type"]);
    expect(lackOf({ when: "fixed", start: NOW, end: "2026-01-12T08:00:00Z" }, "when")).toEqual([
      "an end behind the start",
    ]);
    expect(lackOf({}, "when")).toEqual([]);
  });

  it("makes_a_body_for_each_way_of_saying_when", () => {
    const what = { type: "h100.8x", zone: "a", count: 2, keys: "ana,bob" };
    expect(bodyOf({ ...what, when: "fixed", start: NOW, end: "2026-01-13T00:00:00Z" }, NOW)).toMatchObject({
      starts_at: NOW,
      ends_at: "2026-01-13T00:00:00Z",
      ssh_keys: ["ana", "bob"],
    });
    expect(bodyOf({ ...what, hours: 48 }, NOW)).toMatchObject({
      duration_s: 172_800,
      start_range: [null, "2026-03-13T08:30:00Z"],
    });
    const open = bodyOf({ ...what, open: "yes" }, NOW);
    expect(open).toMatchObject({ starts_at: null, ends_at: null });
    expect(open).not.toHaveProperty("duration_s");
    expect(searchBodyOf({ ...what, open: "yes" }, NOW)).toBeNull();
    expect(searchBodyOf({ ...what, project: "research" }, NOW)).toMatchObject({ project: "research" });
    expect(searchBodyOf({ ...what, when: "fixed", start: NOW, end: "2026-01-13T08:30:00Z" }, NOW)).toMatchObject({
      duration_s: { least: 86_400 },
    });
  });

  it("keeps_who_it_is_for_when_an_offer_is_taken", () => {
    expect(offeredBody({ count: 1, zone: "a" }, { name: "train", type: "t", zone: "b", count: 9 }, NOW)).toEqual({
      count: 1,
      zone: "a",
      name: "train",
    });
  });
});

describe("the calendar", () => {
  it("shows_what_is_free_throughout_each_day_also_where_a_step_touches_two", () => {
    // Monday 12 January, 22:00 on, in steps of four hours: the first lies on both days.
    const [monday = [], next = []] = weeksOf(
      { from: "2026-01-12T22:00:00Z", step_s: 14_400, free: [3, 9, 9, 9, 9, 9, 9, 2] },
      2,
    );
    expect(monday.map(({ day, least }) => [day.slice(8), least])).toEqual([
      ["12", 3],
      ["13", 3],
      ["14", 2],
      ["15", null],
      ["16", null],
      ["17", null],
      ["18", null],
    ]);
    expect(monday[1]?.most).toBe(9);
    expect(next).toHaveLength(7);
  });

  it("asks_for_no_more_than_a_thousand_steps", () => {
    for (let weeks = 1; weeks <= 60; weeks++) expect((weeks * 7 * 86_400) / stepFor(weeks)).toBeLessThanOrEqual(1000);
  });

  it("never_shades_too_few_like_enough", () => {
    for (let free = 0; free <= 20; free++) expect(shadeOf(free, 8, 20) >= 2).toBe(free >= 8);
  });

  it("is_walked_by_arrows_within_its_days", () => {
    const days = Array.from({ length: 14 }, (_, day) => `2026-01-${String(day + 1).padStart(2, "0")}`);
    expect(dayBeside(days, "2026-01-03", "ArrowDown")).toBe("2026-01-10");
    expect(dayBeside(days, "2026-01-10", "ArrowDown")).toBe("2026-01-14");
    expect(dayBeside(days, "2026-01-01", "ArrowLeft")).toBe("2026-01-01");
  });

  it("takes_the_first_day_as_start_and_a_later_one_as_end", () => {
    const first = withDay({}, "2026-01-14", NOW);
    expect(first).toEqual({ when: "fixed", start: "2026-01-14T00:00:00Z", end: "2026-01-15T00:00:00Z" });
    const second = { ...first, ...withDay(first, "2026-01-16", NOW) };
    expect(second.end).toBe("2026-01-17T00:00:00Z");
    expect(chosenDays(second)).toEqual({ from: "2026-01-14", to: "2026-01-16" });
    expect(withDay(second, "2026-01-20", NOW).start).toBe("2026-01-20T00:00:00Z");
    expect(withDay({}, "2026-01-12", NOW).start).toBe("2026-01-12T09:00:00Z");
  });
});

describe("a refusal", () => {
  const wish = {
    count: 16,
    zone: "a",
    starts_at: "2026-01-14T00:00:00Z",
    ends_at: "2026-01-15T00:00:00Z",
    tier: "reserved",
  };

  it("tells_how_each_alternative_differs", () => {
    expect(differencesOf({ ...wish, count: 12 }, wish)).toEqual(["12 instead of 16"]);
    expect(differencesOf({ ...wish, instance_type: "h200.8x" }, { ...wish, instance_type: "h100.8x" })).toEqual([
      "h200.8x instead of h100.8x",
    ]);
    const later = { ...wish, starts_at: "2026-01-16T00:00:00Z", ends_at: "2026-01-17T00:00:00Z" };
    expect(differencesOf(later, wish)).toEqual(["starts 16 Jan 2026, 00:00:00, 2\u202fd later"]);
    expect(differencesOf({ ...wish, ends_at: "2026-01-14T12:00:00Z" }, wish)).toEqual([
      "lasts 12\u202fh instead of 1\u202fd",
    ]);
    expect(
      differencesOf({ ...wish, placement: { within: "fabric" } }, { ...wish, placement: { within: "rack" } }),
    ).toEqual(["within one fabric"]);
  });

  it("is_told_in_the_planners_words_and_numbers", () => {
    const binding = { constraint: "capacity", message: "too many", asked: 1600, where: null };
    expect(sentenceOf(binding)).toBe("too many");
    expect(factsOf(binding)).toEqual([
      { name: "What bound", value: "capacity" },
      { name: "Asked for", value: "1,600" },
    ]);
    expect(factsOf(null)).toEqual([]);
  });
});

describe("a reservation", () => {
  const place = (ordinal: number, node: string, from: string, to: string | null): Place => ({
    ordinal,
    node,
    node_name: node,
    fabric: "east",
    leaf: null,
    rack: "r1",
    gpu_model: "H100",
    gpu_count: 8,
    slot_from: 0,
    slot_to: 4000,
    from,
    to,
  });

  it("stands_where_its_instances_are_and_not_where_they_were", () => {
    const places = [
      place(0, "n1", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
      place(0, "n2", "2026-01-02T00:00:00Z", null),
      place(1, "n2", "2026-01-01T00:00:00Z", null),
    ];
    expect(present(places).map(({ node }) => node)).toEqual(["n2", "n2"]);
    expect(racksOf(present(places))[0]?.nodes).toEqual([
      { id: "n2", name: "n2", gpus: 8, taken_milli: 8000, ordinals: [0, 1] },
    ]);
  });

  it("has_stations_of_which_one_is_the_present", () => {
    const reservation = (state: string, starts_at: string | null): Reservation =>
      ({
        created_at: NOW,
        starts_at,
        ends_at: null,
        cancel_requested_at: NOW,
        status: { state, starts_at, ends_at: null, decided_at: NOW },
      }) as Reservation;
    const states = (state: string, starts_at: string | null) =>
      stationsOf(reservation(state, starts_at)).map((station) => station.state);
    expect(states("active", NOW)).toEqual(["done", "done", "now", "ahead"]);
    expect(states("ended", NOW)).toEqual(["done", "done", "done", "done"]);
    expect(states("rejected", null)).toEqual(["done", "failed"]);
    expect(states("cancelled", NOW)).toEqual(["done", "done", "done", "failed"]);
  });

  it("is_listed_by_filters_that_the_address_holds", () => {
    const search = searchOf({ state: "active", tier: "gold", from: "2026-01-31", to: "2026-01-31", find: "" });
    expect(search).toMatchObject({ state: "active", from: "2026-01-31", to: "2026-01-31" });
    expect(queryOf(search)).toMatchObject({
      from: "2026-01-31T00:00:00Z",
      to: "2026-02-01T00:00:00Z",
      order: "newest",
    });
    expect(search.tier).toBeUndefined();
  });
});

describe("rows that were fetched", () => {
  it("are_patched_in_place_and_new_ones_come_first", () => {
    const pages = [
      { items: [{ id: "b", n: 1 }], next_page: "x" },
      { items: [{ id: "a", n: 1 }], next_page: null },
    ];
    const next = patched(pages, [
      { id: "c", n: 2 },
      { id: "a", n: 2 },
    ]);
    expect(next.map((page) => page.items)).toEqual([
      [
        { id: "c", n: 2 },
        { id: "b", n: 1 },
      ],
      [{ id: "a", n: 2 }],
    ]);
    expect(next.map((page) => page.next_page)).toEqual(["x", null]);
  });
});

describe("usage", () => {
  it("is_summed_per_currency_and_exactly", () => {
    const row = (amount: string, currency: string) => ({ amount: { amount, currency }, list: { amount, currency } });
    expect(sumsOf([row("0.1", "USD"), row("0.2", "USD"), row("1", "EUR")])).toEqual([
      { currency: "EUR", amount: 1_000_000n, list: 1_000_000n },
      { currency: "USD", amount: 300_000n, list: 300_000n },
    ]);
  });
});
