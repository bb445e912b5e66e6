import { describe, expect, it } from "vitest";
import { sseParser } from "../src/live/sse";

const STREAM =
  'id: 1-7\r\nevent: node.ready\r\ndata: {"a":1}\r\n\r\n: comment\n\ndata: one\ndata: two\n\nid: 1-8\rdata:x\r\r';

describe("an event stream", () => {
  it("gives_the_same_events_wherever_it_is_cut", () => {
    const whole = sseParser()(STREAM);
    expect(whole).toEqual([
      { id: "1-7", event: "node.ready", data: '{"a":1}' },
      { id: "1-7", event: "message", data: "one\ntwo" },
      { id: "1-8", event: "message", data: "x" },
    ]);
    for (let cut = 0; cut <= STREAM.length; cut++) {
      const parse = sseParser();
      expect([...parse(STREAM.slice(0, cut)), ...parse(STREAM.slice(cut))], `cut at ${cut}`).toEqual(whole);
    }
    const letters = sseParser();
    expect([...STREAM].flatMap((letter) => letters(letter))).toEqual(whole);
  });

  it("keeps_an_unfinished_event_to_itself", () => {
    expect(sseParser()("data: half\n")).toEqual([]);
  });

  it("gives_nothing_for_heartbeats_and_events_without_data", () => {
    expect(sseParser()(":\n\n: still here\n\nevent: reset\n\n")).toEqual([]);
  });
});
