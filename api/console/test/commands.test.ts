import { describe, expect, test } from "vitest";
import { addressOf, type Ask } from "../src/api/change";
import { cliOf, curlOf } from "../src/api/commands";
import { nextOf, withoutHead } from "../src/api/csv";

const ORIGIN = "https://gpu.example";

describe("an address", () => {
  test("is filled in and escaped, with the query that is set", () => {
    const ask: Ask = {
      method: "GET",
      path: "/v1/system/nodes/{id}",
      params: { id: "a/b" },
      query: { include: "deleted", x: undefined },
    };
    expect(addressOf(ask)).toBe("/v1/system/nodes/a%2Fb?include=deleted");
  });
});

describe("as curl", () => {
  test("a file goes along by its name, of its kind", () => {
    const file = { name: "assets.csv", type: "text/csv" };
    const ask: Ask = { method: "POST", path: "/v1/system/assets/import", file };
    expect(curlOf(ask, ORIGIN)).toContain("-H 'Content-Type: text/csv' \\\n  --data-binary @assets.csv");
    expect(cliOf(ask)).toBeNull();
  });

  test("a change carries its body and its condition, and never a token", () => {
    const text = curlOf(
      {
        method: "POST",
        path: "/v1/system/nodes/{id}/cordon",
        params: { id: "nod_1" },
        body: { reason: "it's loud" },
        ifMatch: "3-9",
      },
      ORIGIN,
    );
    expect(text).toContain("-X POST");
    expect(text).toContain(`${ORIGIN}/v1/system/nodes/nod_1/cordon`);
    expect(text).toContain(`-d '{"reason":"it'\\''s loud"}'`);
    expect(text).toContain("'If-Match: 3-9'");
    expect(text).toContain('"Authorization: Bearer $SLUICE_TOKEN"');
  });
});

describe("as a command", () => {
  test("is what the command line has for it, of either plane", () => {
    expect(cliOf({ method: "GET", path: "/v1/system/nodes", query: { state: "ready" } })).toBe(
      "sluice node list --state ready",
    );
    expect(cliOf({ method: "POST", path: "/v1/reservations/{id}/cancel", params: { id: "rsv_1" } })).toBe(
      "sluice reservation cancel rsv_1",
    );
  });
  test("has what is asked of an instance as its last word", () => {
    const params = { id: "ins_1" };
    expect(cliOf({ method: "POST", path: "/v1/instances/{id}/actions", params, body: { action: "reboot" } })).toBe(
      "sluice instance reboot ins_1",
    );
    expect(cliOf({ method: "GET", path: "/v1/system/instances/{id}/console", params, query: { tail: "100" } })).toBe(
      "sluice instance console ins_1 --tail 100",
    );
  });
  test("takes a body from standard input", () => {
    expect(cliOf({ method: "POST", path: "/v1/projects", body: { name: "a" } })).toBe(
      'sluice project create --body - <<\'EOF\'\n{\n  "name": "a"\n}\nEOF',
    );
  });
  test("is none where the command line has none, or not this option", () => {
    expect(cliOf({ method: "POST", path: "/v1/system/nodes/{id}/cordon", params: { id: "x" } })).toBeNull();
    expect(cliOf({ method: "GET", path: "/v1/system/nodes", query: { leaf: "l1" } })).toBeNull();
  });
});

describe("CSV of many pages", () => {
  test("goes on where the Link says and keeps one head", () => {
    expect(nextOf('</v1/nodes?page=x>; rel="next"')).toBe("/v1/nodes?page=x");
    expect(nextOf(null)).toBeNull();
    expect(withoutHead('id,name\r\n1,"a\nb"\r\n')).toBe('1,"a\nb"\r\n');
  });
});
