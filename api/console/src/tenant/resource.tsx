// A list of the tenant's own things: how many, as a table, with what can be done to each and to make one.
import { useId, type ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ListAsk } from "../api/lists";
import type { Listing } from "../api/pages";
import { formatCount } from "../format/text";
import { zoneName } from "../format/zone";
import { ActionButton, type Action } from "../ui/action";
import { ListTools } from "../ui/list-tools";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";

interface ResourceListProps<T> {
  title: string;
  /** "token": what one of them is called. */
  noun: string;
  query: UseQueryResult<Listing<T>>;
  list: ListAsk;
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  empty: ReactNode;
  create?: Action;
  selected?: string | undefined;
  /** The list is given oldest first, as its ids rise. */
  newestFirst?: boolean;
  /** It has columns of times: their zone is told once. */
  timed?: boolean;
}

export function ResourceList<T extends object>(props: ResourceListProps<T>) {
  const { title, noun, query, list, columns, rowKey, empty, create, selected, newestFirst, timed } = props;
  const id = useId();
  return (
    <section aria-labelledby={id} className="panel">
      <div className="section-top">
        <h2 id={id}>{title}</h2>
        {query.data !== undefined && (
          <span className="fine">
            {formatCount(query.data.items.length)}
            {query.data.capped && " or more: the first are shown"}
            {timed === true && `, times in ${zoneName()}`}
          </span>
        )}
        <span className="actions section-end">
          <ListTools list={list} name={noun} />
          {create !== undefined && <ActionButton action={create} className="primary" />}
        </span>
      </div>
      <Loaded query={query} what={title.toLowerCase()}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={`No ${title.toLowerCase()}`}>{empty}</Empty>
          ) : (
            <DataTable
              label={title}
              columns={columns}
              rows={newestFirst === true ? items.toReversed() : items}
              rowKey={rowKey}
              selected={selected}
            />
          )
        }
      </Loaded>
    </section>
  );
}

/** The buttons at the end of a row. */
export function RowActions({ actions }: { actions: readonly Action[] }) {
  return (
    <span className="actions row-actions">
      {actions.map((action) => (
        <ActionButton key={action.verb} action={action} className="quiet small" />
      ))}
    </span>
  );
}
