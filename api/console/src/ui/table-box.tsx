// A short table in a box of its own that scrolls sideways; long ones are ui/table.tsx.
import type { ReactNode } from "react";

export function TableBox({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="table-box" tabIndex={0} role="group" aria-label={label}>
      <table>{children}</table>
    </div>
  );
}
