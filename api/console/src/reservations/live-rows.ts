// Keeps the rows that were fetched true: what an event names is fetched again and put in its place; new ones come first.
import { useCallback, useEffect, useMemo, useRef } from "react";
import { send, type Ask } from "../api/change";
import type { Endless } from "../api/lists";
import type { Reservation } from "../api/model";
import type { Page } from "../api/pages";
import { useEvents } from "../live/listen";
import type { ServerEvent } from "../live/sse";
import { throttle } from "../live/throttle";

const REFRESH_LEAST_MS = 1000;
/** More changes than this at once are not fetched one by one: the list is fetched anew. */
const ROWS_AT_ONCE_MAX = 20;
const HEAD_ROWS = 100;
const TOUCHING = /^(reservation|instance|reset)/;

/** The reservation that an event is about, as far as it says. */
function subjectOf(event: ServerEvent): string | null {
  try {
    const { object_id } = JSON.parse(event.data) as { object_id?: unknown };
    return typeof object_id === "string" && object_id.startsWith("rsv_") ? object_id : null;
  } catch {
    return null;
  }
}

async function fetched(one: "/v1/reservations/{id}" | "/v1/system/reservations/{id}", ids: readonly string[]) {
  const asks = ids.map((id) => send<Reservation>({ method: "GET", path: one, params: { id } }));
  const answers = await Promise.allSettled(asks);
  return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.data] : []));
}

export function useLiveRows(list: Pick<Ask, "path" | "query">, rows: Endless<Reservation>): void {
  const { patch, query } = rows;
  const { refetch } = query;
  // A ref: were refresh made anew with each change of the rows, what it was touched with meanwhile would be lost.
  const shown = useRef<ReadonlySet<string>>(new Set());
  useEffect(() => {
    shown.current = new Set(query.data?.map((row) => row.id));
  }, [query.data]);
  const one = list.path === "/v1/system/reservations" ? "/v1/system/reservations/{id}" : "/v1/reservations/{id}";

  const refresh = useMemo(
    () =>
      throttle(REFRESH_LEAST_MS, (touched) => {
        const known = [...touched].filter((id) => shown.current.has(id));
        if (known.length > ROWS_AT_ONCE_MAX || touched.has("")) {
          void refetch();
          return;
        }
        const head = send<Page<Reservation>>({
          method: "GET",
          ...list,
          query: { ...list.query, limit: String(HEAD_ROWS) },
        });
        void Promise.all([head, fetched(one, known)])
          .then(([{ data }, changed]) => patch([...data.items, ...changed]))
          .catch(() => undefined); // the next event tries again; the badge says that the API is away
      }),
    [list, one, patch, refetch],
  );
  useEffect(() => () => refresh.cancel(), [refresh]);
  useEvents(
    useCallback(
      (event) => {
        if (TOUCHING.test(event.event)) refresh.touch(event.event === "reset" ? "" : (subjectOf(event) ?? "new"));
      },
      [refresh],
    ),
  );
}
