// A table of any length: sorted by its heads, walked by j and k, with only the rows on screen in the document.
import {
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
  type Row,
  type SortingState,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState, type MouseEvent, type ReactNode } from "react";
import { usePrinting, useRowKeys } from "./table-manners";

export interface Column<T> {
  key: string;
  title: string;
  align?: "end";
  /** The last column: it stays in sight while what is wider than the screen is moved. */
  stays?: true;
  render: (row: T) => ReactNode;
  /** What the column is sorted by; without it, it is not. What has no value stands last. */
  sort?: (row: T) => string | number | bigint | null | undefined;
}

const ROW_PX = 38;
const OVERSCAN_ROWS = 12;
const NATURAL = new Intl.Collator("en", { numeric: true });

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });
type Features = typeof features;

/** r2 before r10; numbers by size. */
function compare(a: unknown, b: unknown): number {
  if (typeof a === "string" && typeof b === "string") return NATURAL.compare(a, b);
  return a === b ? 0 : (a as number) < (b as number) ? -1 : 1;
}

function columnDefs<T extends object>(columns: readonly Column<T>[]) {
  return columns.map((column) => ({
    id: column.key,
    accessorFn: (row: T) => column.sort?.(row) ?? undefined,
    enableSorting: column.sort !== undefined,
    sortUndefined: "last" as const,
    sortFn: (a: Row<Features, T>, b: Row<Features, T>, id: string) => compare(a.getValue(id), b.getValue(id)),
  }));
}

/** "name" ascending, "-name" descending: as an address holds it. What none of the columns is, an address may hold still. */
export function sortingOf(
  sort: string | undefined,
  columns: readonly Pick<Column<never>, "key" | "sort">[],
): SortingState {
  const id = sort?.replace(/^-/, "");
  const column = columns.find(({ key }) => key === id);
  return column?.sort === undefined ? [] : [{ id: column.key, desc: sort?.startsWith("-") === true }];
}

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  selected?: string | undefined;
  /** Called on a click anywhere in the row; the first cell becomes a button, for the keyboard. */
  onRow?: (row: T) => void;
  /** The order, where the address keeps it: a column's key, with a minus when descending; undefined: as given. */
  sort?: string | undefined;
  onSort?: (sort: string | undefined) => void;
  /** There are more than `rows`: called when the last of them come near. */
  onEnd?: (() => void) | undefined;
}

export function DataTable<T extends object>(props: Props<T>) {
  const { label, columns, rows, rowKey } = props;
  const box = useRef<HTMLDivElement>(null);
  const [ownSort, setOwnSort] = useState<string>();
  const sort = props.onSort === undefined ? ownSort : props.sort;
  const setSort = props.onSort ?? setOwnSort;
  const data = useMemo(() => [...rows], [rows]);
  const defs = useMemo(() => columnDefs(columns), [columns]);
  const sorting = useMemo(() => sortingOf(sort, columns), [sort, columns]);
  const table = useTable({ features, columns: defs, data, getRowId: rowKey, state: { sorting } });
  const sorted = table.getRowModel().rows;
  const printing = usePrinting();
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN_ROWS,
  });
  useRowKeys(box, sorted.length, (index) => virtual.scrollToIndex(index));
  const seen = virtual.getVirtualItems();
  const first = printing ? 0 : (seen[0]?.index ?? 0);
  const after = printing ? sorted.length : (seen.at(-1)?.index ?? -1) + 1;
  const { onEnd } = props;
  const nearsEnd = onEnd !== undefined && after >= sorted.length;
  useEffect(() => {
    if (nearsEnd) onEnd();
  }, [nearsEnd, onEnd, sorted.length]);

  return (
    <div className="table-box" ref={box} tabIndex={0} role="group" aria-label={label} data-rows>
      <table onMouseOver={tellWhole} aria-rowcount={onEnd === undefined ? rows.length + 1 : -1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <HeadCell key={column.key} column={column} sort={sort} onSort={setSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <Gap rows={first} columns={columns.length} />}
          {sorted.slice(first, after).map((row, index) => (
            <BodyRow key={row.id} {...props} row={row.original} index={first + index} />
          ))}
          {after < sorted.length && <Gap rows={sorted.length - after} columns={columns.length} />}
        </tbody>
      </table>
    </div>
  );
}

function lookOf<T>({ align, stays }: Column<T>): string | undefined {
  return stays === true ? `${align ?? ""} stays`.trim() : align;
}

interface HeadCellProps<T> {
  column: Column<T>;
  sort: string | undefined;
  onSort: (sort: string | undefined) => void;
}

/** Ascending, descending, as given. */
function HeadCell<T>({ column, sort, onSort }: HeadCellProps<T>) {
  const { key, title } = column;
  const look = lookOf(column);
  if (column.sort === undefined) {
    return (
      <th scope="col" className={look}>
        {title}
      </th>
    );
  }
  const order = sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
  const next = order === "none" ? key : order === "ascending" ? `-${key}` : undefined;
  return (
    <th scope="col" className={look} aria-sort={order}>
      <button type="button" className="sort" onClick={() => onSort(next)}>
        {title}
        <svg viewBox="0 0 8 10" width="8" height="10" aria-hidden="true">
          {order !== "descending" && <path d="M4 0l3 4H1z" />}
          {order !== "ascending" && <path d="M4 10L1 6h6z" />}
        </svg>
      </button>
    </th>
  );
}

interface BodyRowProps<T> extends Props<T> {
  row: T;
  index: number;
}

/** What a cell has no room for it tells the pointer; who listens hears it anyway. */
function tellWhole({ target }: MouseEvent): void {
  const cell = target instanceof Element ? target.closest<HTMLElement>("td, dialog") : null;
  if (cell?.tagName === "TD") cell.title = cell.scrollWidth > cell.clientWidth ? cell.innerText : "";
}

/** A link within a row goes where it says, and does not open the row besides. */
function leadsElsewhere(event: MouseEvent): boolean {
  return event.target instanceof Element && event.target.closest("a") !== null;
}

function BodyRow<T>({ columns, rowKey, selected, onRow, row, index }: BodyRowProps<T>) {
  return (
    <tr
      data-row={index}
      aria-rowindex={index + 2}
      className={rowKey(row) === selected ? "selected" : undefined}
      onClick={onRow && ((event) => leadsElsewhere(event) || onRow(row))}
    >
      {columns.map((column, place) => (
        <td key={column.key} className={lookOf(column)}>
          {place === 0 && onRow !== undefined ? (
            <button type="button" className="link">
              {column.render(row)}
            </button>
          ) : (
            column.render(row)
          )}
        </td>
      ))}
    </tr>
  );
}

function Gap({ rows, columns }: { rows: number; columns: number }) {
  return (
    <tr aria-hidden="true" className="gap" style={{ height: rows * ROW_PX }}>
      <td colSpan={columns} />
    </tr>
  );
}
