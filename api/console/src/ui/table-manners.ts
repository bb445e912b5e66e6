// What a long table does beside showing rows: it is walked by keys, and printed whole.
import { useEffect, useRef, useState, type RefObject } from "react";
import { flushSync } from "react-dom";
import { ROW_EVENT } from "../app/keyboard-rows";

/** True while the browser prints: then all rows are in the document. */
export function usePrinting(): boolean {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const before = (): void => flushSync(() => setPrinting(true));
    const after = (): void => setPrinting(false);
    window.addEventListener("beforeprint", before);
    window.addEventListener("afterprint", after);
    return () => {
      window.removeEventListener("beforeprint", before);
      window.removeEventListener("afterprint", after);
    };
  }, []);
  return printing;
}

/** Focuses the first thing in a row that can be opened, so that Enter opens it; else the row's own place is shown. */
function focusRow(box: HTMLElement, index: number): boolean {
  const row = box.querySelector<HTMLElement>(`[data-row="${index}"]`);
  row?.querySelector<HTMLElement>("a, button")?.focus({ preventScroll: true });
  return row !== null;
}

function focusedRow(box: HTMLElement): number | null {
  const row = document.activeElement?.closest<HTMLElement>("[data-row]");
  return row != null && box.contains(row) ? Number(row.dataset.row) : null;
}

/** j and k move from row to row; where one was last, one goes on. */
export function useRowKeys(box: RefObject<HTMLElement | null>, count: number, show: (index: number) => void): void {
  const last = useRef(-1);
  const latest = useRef({ count, show });
  useEffect(() => {
    latest.current = { count, show };
  });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    function onRowKey(event: Event): void {
      if (element === null) return;
      const at = focusedRow(element) ?? last.current;
      const next = Math.max(0, Math.min(at + (event as CustomEvent<number>).detail, latest.current.count - 1));
      last.current = next;
      latest.current.show(next);
      // A row far away is in the document after the next frame.
      if (!focusRow(element, next)) requestAnimationFrame(() => focusRow(element, next));
    }
    element.addEventListener(ROW_EVENT, onRowKey);
    return () => element.removeEventListener(ROW_EVENT, onRowKey);
  }, [box]);
}
