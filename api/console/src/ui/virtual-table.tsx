// A table of any length that keeps only the rows on screen in the document.
import { useEffect, useRef, useState, type ReactNode } from "react";

export interface Column<T> {
  key: string;
  title: string;
  align?: "end";
  render: (row: T) => ReactNode;
}

const ROW_PX = 38;
const OVERSCAN_ROWS = 12;

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  selected?: string | undefined;
  /** Called on a click anywhere in the row; the first cell becomes a button, for the keyboard. */
  onRow?: (row: T) => void;
}

export function VirtualTable<T>({ label, columns, rows, rowKey, selected, onRow }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    const resized = new ResizeObserver(measure);
    resized.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);

  const first = Math.max(0, Math.min(Math.floor(view.top / ROW_PX), rows.length) - OVERSCAN_ROWS);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW_PX) + OVERSCAN_ROWS);

  return (
    <div className="table-box" ref={box} tabIndex={0} role="group" aria-label={label}>
      <table aria-rowcount={rows.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <th key={column.key} scope="col" className={column.align}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <Gap rows={first} columns={columns.length} />}
          {rows.slice(first, last).map((row, index) => (
            <tr
              key={rowKey(row)}
              aria-rowindex={first + index + 2}
              className={rowKey(row) === selected ? "selected" : undefined}
              onClick={onRow && (() => onRow(row))}
            >
              {columns.map((column, place) => (
                <td key={column.key} className={column.align}>
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
          ))}
          {last < rows.length && <Gap rows={rows.length - last} columns={columns.length} />}
        </tbody>
      </table>
    </div>
  );
}

function Gap({ rows, columns }: { rows: number; columns: number }) {
  return (
    <tr aria-hidden="true" className="gap" style={{ height: rows * ROW_PX }}>
      <td colSpan={columns} />
    </tr>
  );
}
