// What is beside a list or a map: one thing of it, closer.
import type { ReactNode } from "react";

interface DetailProps {
  /** How the panel is called; its title alone may be read as part of the page. */
  label: string;
  title: string;
  onClose: () => void;
  children: ReactNode;
}

export function Detail({ label, title, onClose, children }: DetailProps) {
  return (
    <aside className="panel detail" aria-label={label}>
      <div className="detail-top">
        <h2>{title}</h2>
        <button type="button" className="icon" aria-label="Close" onClick={onClose}>
          <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
            <path d="M1 1l8 8M9 1L1 9" stroke="currentColor" strokeWidth="1.5" />
          </svg>
        </button>
      </div>
      {children}
    </aside>
  );
}
