import { afterEach, describe, expect, test, vi } from "vitest";
import { formerOf } from "../src/api/lists";
import type { Me, Node, Reservation } from "../src/api/model";
import { actionsAt } from "../src/app/object-actions";
import { actionItems, chosenOf, distinct, doing, itemOfId, matchingActions } from "../src/app/palette-items";
import { instanceActions, type Instance } from "../src/instance/actions";
import { cordonAction } from "../src/node/actions";
import { reservationActions } from "../src/reservations/actions";
import { aboutReservation } from "../src/reservations/wish";
import type { Action } from "../src/ui/action";

const ME = { role: "operator", tenant_suspended: false, domain_time: "2026-01-12T08:00:00Z" } as Me;

function reservation(id: string, state: string, name = "eval-nightly"): Reservation {
  const status = { state, starts_at: "2026-01-03T00:00:00Z", ends_at: null };
  return { id, name, tenant: "acme", count: 1, status, cancel_requested_at: null } as Reservation;
}

function actionsOf(one: Reservation) {
  const about = aboutReservation(one);
  return actionItems(reservationActions(ME, one, null).map((action) => ({ about, action })));
}

const NODE = { id: "nod_1", name: "gpu-0041", zone: "a" } as Node;

function nodeItems(cordoned: boolean) {
  const action = cordonAction({ ...NODE, cordoned }, ME) as Action<never>;
  return actionItems([{ about: "Node", action }]);
}

test("an instance is stopped and rebooted while it runs, and started while it is stopped", () => {
  const refused = (state: string, me = ME) =>
    instanceActions(me, { id: "ins_1", ordinal: 0, state } as Instance, "x").map(({ refusal }) => refusal ?? null);
  expect(refused("running")).toEqual([null, "only what is stopped can be started; it is running", null]);
  expect(refused("stopped")[1]).toBeNull();
  expect(refused("stopped")[0]).toBe("only what is running can be stopped; it is stopped");
  expect(new Set(refused("terminated"))).toEqual(new Set(["it is terminated"]));
  expect(new Set(refused("running", { ...ME, role: "auditor" }))).toEqual(new Set(["your role, auditor, reads only"]));
});

test("reservations of one name stay apart, and so do their actions", () => {
  const two = [reservation("rsv_000001", "ended"), reservation("rsv_000002", "active")];
  const addresses = two.map((one) => ({ name: "eval-nightly", hint: "Reservation", to: `/reservations/${one.id}` }));
  expect(distinct([...addresses, ...addresses])).toEqual(addresses);
  const actions = two.flatMap(actionsOf);
  expect(distinct([...actions, ...two.flatMap(actionsOf)])).toHaveLength(actions.length);
  const corrected = actions.flatMap(({ to }) =>
    typeof to === "object" && to.fixed?.reservation !== undefined ? [to.fixed.reservation] : [],
  );
  expect(corrected).toEqual(["rsv_000001", "rsv_000002"]);
  const alike = ["rsv_000001", "rsv_000002"].map((id) => aboutReservation(reservation(id, "active")));
  expect(alike[0]).not.toBe(alike[1]);
});

test("of much that was found, what can still be done something with is shown first", () => {
  const found = [...Array(8).keys()];
  expect(chosenOf(found, (one) => one < 6)).toEqual([6, 7, 0, 1, 2, 3]);
  expect(chosenOf(found)).toEqual([0, 1, 2, 3, 4, 5]);
});

describe("a verb", () => {
  test("finds the deed under each of its names", () => {
    const running = actionsOf(reservation("rsv_1", "active", "llama-pretrain"));
    for (const verb of ["cancel", "release", "end"]) {
      expect(doing(running, verb).map((item) => item.name)).toEqual(["Release llama-pretrain now"]);
      expect(matchingActions(running, verb)[0]?.name).toBe("Release llama-pretrain now");
    }
    expect(doing(actionsOf(reservation("rsv_1", "scheduled", "x")), "release").map(({ name }) => name)).toEqual([
      "Cancel x",
    ]);
  });

  test("does not find its opposite", () => {
    expect(doing(nodeItems(true), "cordon")).toEqual([]);
    expect(matchingActions(nodeItems(true), "cordon")).toEqual([]);
    expect(matchingActions(nodeItems(true), "unc gpu-0041")).toHaveLength(1);
    expect(doing(nodeItems(false), "cordon")).toHaveLength(1);
  });
});

describe("the actions of an object", () => {
  afterEach(() => void vi.unstubAllGlobals());

  function answering(answers: Readonly<Record<string, unknown>>): void {
    vi.stubGlobal("fetch", async (address: string) => {
      const body = answers[address.replace("limit=1000", "").replace(/\?$/, "")];
      return new Response(JSON.stringify(body ?? { title: "No" }), { status: body === undefined ? 503 : 200 });
    });
  }
  const titles = async (path: string) => (await actionsAt(ME, path, () => undefined)).map(({ action }) => action.title);

  test("are there though what its charge is cannot be had", async () => {
    answering({ "/v1/system/reservations/rsv_1": reservation("rsv_1", "active", "x") });
    expect(await titles("/reservations/rsv_1")).toContain("Release x now");
  });

  test("are there though the zones cannot be had", async () => {
    answering({ "/v1/system/nodes/nod_1": { ...NODE, cordoned: false, status: { allocated_gpu_milli: 0 } } });
    expect(await titles("/fleet/nodes/nod_1")).toContain("Cordon gpu-0041");
  });

  test("of an instance are there though its reservation cannot be had", async () => {
    const instance = { id: "ins_1", reservation: "rsv_1", ordinal: 3, state: "running" };
    answering({ "/v1/system/instances/ins_1": instance });
    expect(await titles("/reservations/instances/ins_1")).toEqual([
      "Stop instance 3 of rsv_1",
      "Start instance 3 of rsv_1",
      "Reboot instance 3 of rsv_1",
    ]);
    expect(itemOfId(`ins_${"0".repeat(26)}`)?.to).toBe(`/reservations/instances/ins_${"0".repeat(26)}`);
  });

  test("fail with the object", async () => {
    answering({ "/v1/system/reservations/rsv_1/cost": { cancelling_now: null } });
    await expect(titles("/reservations/rsv_1")).rejects.toThrow("No");
  });

  const money = (amount: string) => ({ amount, currency: "USD" });
  const invoice = {
    id: "inv_1",
    tenant: "acme",
    number: "INV-1",
    status: "issued",
    total: money("10.00"),
    credited: money("0.00"),
    period_start: "2026-01-01T00:00:00Z",
  };

  test("credit a share of every line, without asking for the lines", async () => {
    answering({ "/v1/system/invoices/inv_1": invoice });
    const found = await actionsAt({ ...ME, role: "finance" }, "/billing/invoices/inv_1", () => undefined);
    const credit = found.find(({ action }) => action.verb === "Credit");
    const share = credit?.action.fields?.find((field) => field.at === "/share");
    expect(share?.parse?.("10")).toEqual({ numerator: 1000, denominator: 10000 });
  });
});

test("while the next answer is awaited, the former one stays only of the same object", () => {
  const key = (params: object, query: object) => ["margin", "/v1/system/margin", params, query];
  const was = key({}, { by: "node", key: "nod_1", from: "a" });
  expect(formerOf(key({}, { by: "node", key: "nod_1", from: "b" }), ["from"], was, "kept")).toBe("kept");
  expect(formerOf(key({}, { by: "node", key: "nod_2", from: "b" }), ["from"], was, "kept")).toBeUndefined();
  expect(formerOf(key({}, { by: "node", key: "nod_1", from: "b" }), [], was, "kept")).toBeUndefined();
  expect(formerOf(key({ id: "x" }, { by: "node", key: "nod_1" }), ["from"], was, "kept")).toBeUndefined();
  expect(formerOf(was, [], undefined, "kept")).toBeUndefined();
});
