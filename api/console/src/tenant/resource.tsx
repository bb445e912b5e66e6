// A list of the tenant's own things: how many, as a table, with what can be done to each and to make one.
import { useId, type ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { Endless, ListAsk } from "../api/lists";
import type { Listing } from "../api/pages";
import { formatCount, inSentence } from "../format/text";
import { zoneName } from "../format/zone";
import { ActionButton, type Action } from "../ui/action";
import { ListTools } from "../ui/list-tools";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";

interface PanelProps {
  title: string;
  /** "token": what one of them is called. */
  noun: string;
  list: ListAsk;
  create?: Action;
  /** It has columns of times: their zone is told once. */
  timed?: boolean;
}

interface RowsProps<T> {
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  empty: ReactNode;
  selected?: string | undefined;
}

interface ResourceListProps<T> extends PanelProps, RowsProps<T> {
  query: UseQueryResult<Listing<T>>;
}

export function ResourceList<T extends object>(props: ResourceListProps<T>) {
  const { title, query } = props;
  const many = query.data && formatCount(query.data.items.length);
  return (
    <Panel {...props} told={query.data?.capped === true ? `${many} or more: the first are shown` : many}>
      <Loaded query={query} what={inSentence(title)}>
        {({ items }) => <Rows {...props} rows={items} />}
      </Loaded>
    </Panel>
  );
}

interface EndlessListProps<T extends { id: string }> extends PanelProps, Omit<RowsProps<T>, "rowKey"> {
  rows: Endless<T>;
}

/** One of any length, the newest first. */
export function EndlessList<T extends { id: string }>(props: EndlessListProps<T>) {
  const { title, rows } = props;
  const many = rows.query.data && formatCount(rows.query.data.length);
  return (
    <Panel {...props} told={many === undefined || rows.complete ? many : `the newest ${many}`}>
      <Loaded query={rows.query} what={inSentence(title)}>
        {(items) => (
          <Rows {...props} rows={items} rowKey={(row) => row.id} onEnd={rows.complete ? undefined : rows.more} />
        )}
      </Loaded>
    </Panel>
  );
}

interface ToldPanelProps extends PanelProps {
  told: string | undefined;
  children: ReactNode;
}

function Panel({ title, noun, list, create, timed, told, children }: ToldPanelProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="panel">
      <div className="section-top">
        <h2 id={id}>{title}</h2>
        {told !== undefined && (
          <span className="fine">
            {told}
            {timed === true && `, times in ${zoneName()}`}
          </span>
        )}
        <span className="actions section-end">
          <ListTools list={list} name={noun} />
          {create !== undefined && <ActionButton action={create} className="primary" />}
        </span>
      </div>
      {children}
    </section>
  );
}

interface TableProps<T> extends RowsProps<T> {
  title: string;
  rows: readonly T[];
  onEnd?: (() => void) | undefined;
}

function Rows<T extends object>({ title, columns, rows, rowKey, empty, selected, onEnd }: TableProps<T>) {
  if (rows.length === 0) return <Empty title={`No ${inSentence(title)}`}>{empty}</Empty>;
  return <DataTable label={title} columns={columns} rows={rows} rowKey={rowKey} selected={selected} onEnd={onEnd} />;
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
