import type { ReactNode } from "react";

export function Stats({ children }: { children: ReactNode }) {
  return <dl className="stats">{children}</dl>;
}

interface StatProps {
  name: string;
  value: string;
  note?: string;
  alarming?: boolean;
}

export function Stat({ name, value, note, alarming = false }: StatProps) {
  return (
    <div className={alarming ? "stat alarming" : "stat"}>
      <dt>{name}</dt>
      <dd>
        {value}
        {note !== undefined && <small>{note}</small>}
      </dd>
    </div>
  );
}
