import { describe, expect, it } from "vitest";
import { focusOf, focusText, matches, nodeText, rackOf, stepIn, stepOut, sumRacks } from "../src/fleet/model";
import { PAINTS, paintOf, weigh, type Knowledge } from "../src/fleet/paint";
import { fleetOf, nodeOf, sumsOf } from "./fleet";

const NOTHING: Knowledge = { marginOfNode: null, marginOfRack: null, health: null };
const money = (amount: string) => ({ amount, currency: "USD" });

describe("paints", () => {
  it("give each bucket a colour and a pattern that no other of them has", () => {
    const racks = sumsOf({ racks: 1, nodes: 1 }).map((rack) => ({ ...rack, tenants: { a: 1, b: 1, c: 1 } }));
    for (const kind of PAINTS) {
      const looks = kind.make(racks, NOTHING).buckets.map(({ colour, pattern }) => `${colour} ${pattern}`);
      expect(new Set(looks).size, kind.key).toBe(looks.length);
    }
  });

  it("account for the whole of every node, rack and GPU", () => {
    const node = nodeOf({
      state: "allocated",
      allocatedMilli: 3500,
      held: [
        { from: 0, to: 3000, tenant: "acme" },
        { from: 3000, to: 3500, tenant: "cedar" },
      ],
    });
    const [plain] = fleetOf({ racks: 1, nodes: 1 });
    const rack = {
      ...plain!,
      allocatedMilli: 3500,
      states: { allocated: 1 },
      tenants: { acme: 3000, cedar: 500 },
      nodes: [node],
    };
    for (const kind of PAINTS) {
      const paint = kind.make([rack], NOTHING);
      const whole = (parts: readonly { share: number }[]): number => parts.reduce((sum, { share }) => sum + share, 0);
      expect(whole(paint.node(node)), kind.key).toBeCloseTo(1);
      expect(whole(paint.rack(rack)), kind.key).toBeCloseTo(1);
      for (let gpu = 0; gpu < 8; gpu++)
        expect(whole(paint.gpu?.(node, gpu) ?? [{ share: 1 }]), kind.key).toBeCloseTo(1);
      expect(
        weigh(paint, [rack]).reduce((sum, weight) => sum + weight, 0),
        kind.key,
      ).toBeCloseTo(1);
    }
  });

  it("show a node as allocated that is so before its tenant's window opens", () => {
    const paint = paintOf("state").make([], NOTHING);
    expect(paint.buckets[paint.node(nodeOf({ state: "allocated" }))[0]?.bucket ?? -1]?.key).toBe("allocated");
  });

  it("keep a tenant's colour by its name, and say how many they cannot tell apart", () => {
    const names = Array.from({ length: 30 }, (_, index) => `t${index}`);
    const [rack] = sumsOf({ racks: 1, nodes: 1 });
    const many = paintOf("tenant").make(
      [{ ...rack!, tenants: Object.fromEntries(names.map((name) => [name, 100])) }],
      NOTHING,
    );
    expect(many.buckets.map((bucket) => bucket.label)).toContain("7 other tenants");
    expect(weigh(many, [{ ...rack!, tenants: { t29: 8000 } }])[many.buckets.length - 2]).toBe(1);
  });

  it("sort margins by their size against cost, exactly at the bounds", () => {
    const of = (margin: string) => {
      const marginOfNode = new Map([["nod_0", { revenue: money("0"), cost: money("100.00"), margin: money(margin) }]]);
      const paint = paintOf("margin").make([], { ...NOTHING, marginOfNode });
      return paint.buckets[paint.node(nodeOf({}))[0]?.bucket ?? -1]?.key;
    };
    expect([of("-50.10"), of("-50.00"), of("0"), of("25.00"), of("75.00")]).toEqual([
      "deep",
      "loss",
      "even",
      "gain",
      "high",
    ]);
    expect(paintOf("margin").make([], NOTHING).node(nodeOf({}))[0]?.bucket).toBe(5);
  });
});

describe("health", () => {
  const known = {
    temperature_c: 81,
    utilization_percent: 90,
    ecc_corrected: 4,
    ecc_uncorrected: 0,
    remapped_rows: 0,
    remap_is_pending: false,
  };
  const bucket = (key: string, health: object): string | undefined => {
    const paint = paintOf(key).make([], { ...NOTHING, health: new Map([["nod_0", { ...known, ...health }]]) });
    return paint.buckets[paint.node(nodeOf({}))[0]?.bucket ?? -1]?.key;
  };

  it("is sorted by the hottest GPU and by the worst of its memory", () => {
    expect([49, 50, 79, 80].map((temperature_c) => bucket("heat", { temperature_c }))).toEqual(["cool", "warm", "hot", "too-hot"]); // prettier-ignore
    expect(bucket("heat", { temperature_c: null })).toBe("unread");
    expect([4, 5, 79, 80].map((utilization_percent) => bucket("busy", { utilization_percent }))).toEqual(["idle", "light", "half", "busy"]); // prettier-ignore
    expect([bucket("ecc", { ecc_corrected: 0 }), bucket("ecc", {})]).toEqual(["clean", "corrected"]);
    expect([bucket("ecc", { remapped_rows: 1 }), bucket("ecc", { ecc_uncorrected: 1 })]).toEqual(["remapped", "uncorrected"]); // prettier-ignore
  });
});

describe("the fleet's model", () => {
  it("reads a rack as the API has it", () => {
    const rack = rackOf({
      id: "rck_1", name: "r1", zone: "z", fabric: "f", leaf: null, node_count: 1, gpu_count: 8, allocated_gpu_milli: 500,
      cordoned_count: 1, unpowered_count: 0, states: { allocated: 1 }, tenants: { acme: 500 },
      nodes: [{ id: "nod_1", name: "n1", gpu_model: "H100", gpu_count: 8, state: "brand_new", since: "2026-01-01T00:00:00Z", cordoned: true, powered: true, note: "fan", held: [[0, 500, "acme"]] }],
    } as never); // prettier-ignore
    expect(rack.nodes?.[0]).toMatchObject({ state: "enrolled", allocatedMilli: 500, note: "fan", rack: "r1" });
    expect(matches(nodeText(rack.nodes![0]!), "R1 acme cordoned")).toBe(true);
    expect(matches(nodeText(rack.nodes![0]!), "r1 cedar")).toBe(false);
  });

  it("keeps where one looks in the address, and steps over levels that hold only one", () => {
    const racks = sumsOf({ racks: 4, nodes: 1, fabrics: 2 });
    expect(focusText(focusOf("z/f1/r3"))).toBe("z/f1/r3");
    expect(focusText(focusOf(undefined))).toBeUndefined();
    expect(focusText(stepIn({}, racks[1]!, racks))).toBe("z/f1");
    expect(focusText(stepIn({ zone: "z", fabric: "f1" }, racks[1]!, racks))).toBe("z/f1/r1");
    expect(focusText(stepOut({ zone: "z", fabric: "f1", rack: "r1" }, racks))).toBe("z/f1");
    expect(focusText(stepOut({ zone: "z", fabric: "f1" }, racks))).toBeUndefined();
    const one = sumsOf({ racks: 2, nodes: 1 });
    expect(focusText(stepIn({}, one[0]!, one))).toBe("z/f0/r0");
  });

  it("sums racks, states it does not know among the enrolled", () => {
    const racks = sumsOf({ racks: 2, nodes: 3 }).map((rack) => ({ ...rack, states: { ready: 2, novel: 1 } as object }));
    expect(sumRacks(racks)).toMatchObject({ racks: 2, nodes: 6, gpus: 48, byState: { ready: 4, enrolled: 2 } });
  });
});
