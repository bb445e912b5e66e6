// A modal dialog by the browser's own element: it holds the focus, closes on Escape and gives the focus back.
import { useEffect, useId, useRef, type ReactNode } from "react";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: (close: () => void) => ReactNode;
  className?: string;
}

/** Is open for as long as it is mounted; `close` ends in onClose, which unmounts it. What is marked data-first has the focus,
 * or else the first that takes it. */
export function Dialog({ title, onClose, children, className }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (dialog.current?.open !== false) return;
    dialog.current.showModal();
    dialog.current.querySelector<HTMLElement>("[data-first]")?.focus();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      className={className === undefined ? "dialog" : `dialog ${className}`}
      onClose={onClose}
    >
      <h2 id={id}>{title}</h2>
      {children(() => dialog.current?.close())}
    </dialog>
  );
}
