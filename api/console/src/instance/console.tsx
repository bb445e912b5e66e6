// What the console of an instance said: the newest lines below, and new ones as they come.
import { useEffect, useRef } from "react";
import { useWhole, type ItemOf } from "../api/lists";
import { formatCount, formatInstant } from "../format/text";
import { zoneName } from "../format/zone";
import { ListTools } from "../ui/list-tools";
import { Empty, Loaded } from "../ui/states";

type Line = ItemOf<"/v1/instances/{id}/console">;

/** How many lines are asked for at first, and when one wants more. */
export const TAILS = [100, 1000, 10_000] as const;
/** Lines have no event of their own. */
const EVERY_MS = 5000;

interface ConsoleProps {
  id: string;
  provider: boolean;
  tail: number;
  onTail: (tail: number) => void;
  /** Nothing more is said. */
  over: boolean;
}

export function Console({ id, provider, tail, onTail, over }: ConsoleProps) {
  const path = provider ? "/v1/system/instances/{id}/console" : "/v1/instances/{id}/console";
  const list = { path, params: { id }, query: { tail: String(tail) } } as const;
  const lines = useWhole("reservations", list, { ...(!over && { every_ms: EVERY_MS }), filters: ["tail"] });
  const more = TAILS.find((each) => each > tail);
  const isCut = (lines.data?.items.length ?? 0) >= tail;
  return (
    <section aria-labelledby="console-title" className="panel">
      <div className="section-top">
        <h2 id="console-title">Console</h2>
        <span className="actions section-end">
          {isCut && more !== undefined && (
            <button type="button" className="quiet small" onClick={() => onTail(more)}>
              Show the last {formatCount(more)}
            </button>
          )}
          <button
            type="button"
            className="quiet small"
            disabled={lines.isFetching}
            onClick={() => void lines.refetch()}
          >
            Refresh
          </button>
          <ListTools list={list} name={`console-${id}`} />
        </span>
      </div>
      <Loaded query={lines} what="what it said">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="It has said nothing yet">It is switched on when its window comes near.</Empty>
          ) : (
            <>
              <p className="fine">
                {isCut ? `The last ${formatCount(items.length)} lines` : "All that is kept of it"}, oldest first. Times
                are {zoneName()}.
              </p>
              <Lines items={items} />
            </>
          )
        }
      </Loaded>
    </section>
  );
}

/** Stands at its end, and goes on with it, unless somebody reads further up. */
function Lines({ items }: { items: readonly Line[] }) {
  const box = useRef<HTMLOListElement>(null);
  const isAtEnd = useRef(true);
  const last = items.at(-1)?.id;
  useEffect(() => {
    if (isAtEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [last]);
  return (
    <ol
      ref={box}
      className="console"
      aria-label="What it said"
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 4;
      }}
    >
      {items.map((line, index) => (
        <li key={line.id} className={items[index - 1]?.incarnation === line.incarnation ? undefined : "stay"}>
          <time dateTime={line.said_at}>{formatInstant(line.said_at)}</time>
          <span className="number" title={`Line ${line.number} of its stay ${line.incarnation} on a node`}>
            {line.id}
          </span>
          <span>{line.text}</span>
        </li>
      ))}
    </ol>
  );
}
