import { InfiniteQueryObserver, QueryClient } from "@tanstack/react-query";
import { afterEach, describe, expect, it, vi } from "vitest";
import { endlessOptions } from "../src/api/lists";

const KEY = ["audit", "/v1/audit", {}, {}, "by page"];

/** An API whose answers come when they are told to. */
function slowly() {
  const waiting: ((name: string) => void)[] = [];
  vi.stubGlobal(
    "fetch",
    () =>
      new Promise((resolve) => {
        waiting.push((id) => {
          resolve(new Response(JSON.stringify({ items: [{ id }], next_page: null })));
        });
      }),
  );
  return waiting;
}

describe("an endless list", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("is_fetched_anew_for_who_left_it_while_it_was_on_its_way", async () => {
    const waiting = slowly();
    const queries = new QueryClient();
    const list = new InfiniteQueryObserver(queries, endlessOptions<{ id: string }>(KEY, { path: "/v1/audit" }));
    list.subscribe(() => undefined)();
    waiting[0]?.("old");
    await new Promise((resolve) => setTimeout(resolve));
    const leave = list.subscribe(() => undefined);
    expect(waiting).toHaveLength(2);
    waiting[1]?.("new");
    await vi.waitFor(() => {
      expect(list.getCurrentResult().data).toEqual([{ id: "new" }]);
    });
    leave();
    queries.clear();
  });
});
