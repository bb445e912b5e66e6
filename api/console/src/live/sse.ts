// Parser of text/event-stream (WHATWG HTML, 9.2.6), for a stream read by fetch: EventSource cannot send a token.

export interface ServerEvent {
  id: string | null;
  event: string;
  data: string;
}

/**
 * Returns a function that takes text as it arrives, cut anywhere, and gives the events it completes.
 * Comments (the heartbeat) give none. A last id stays in force until another comes.
 */
export function sseParser(): (chunk: string) => ServerEvent[] {
  let buffer = "";
  let afterCarriageReturn = false;
  let id: string | null = null;
  let event = "";
  let data: string[] = [];

  function field(line: string, done: ServerEvent[]): void {
    if (line === "") {
      if (data.length > 0) done.push({ id, event: event === "" ? "message" : event, data: data.join("\n") });
      event = "";
      data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon === -1 ? line : line.slice(0, colon);
    const raw = colon === -1 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (name === "data") data.push(value);
    else if (name === "event") event = value;
    else if (name === "id" && !value.includes("\0")) id = value;
  }

  return (chunk) => {
    const done: ServerEvent[] = [];
    // A line ends in CR, LF or CRLF; the LF of a CRLF may come with the next chunk.
    buffer += afterCarriageReturn && chunk.startsWith("\n") ? chunk.slice(1) : chunk;
    if (chunk !== "") afterCarriageReturn = chunk.endsWith("\r");
    const lines = buffer.split(/\r\n|\r|\n/);
    buffer = lines.pop() ?? "";
    for (const line of lines) field(line, done);
    return done;
  };
}
