// A link to an address of the console that is known at run time only: /fleet?state=repair.
import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";

const BASE = "/console";

export function Goto({ to, children }: { to: string; children: ReactNode }) {
  const router = useRouter();
  function go(event: MouseEvent): void {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return; // a tab or window of its own
    event.preventDefault();
    void router.navigate({ href: BASE + to });
  }
  return (
    <a href={BASE + to} onClick={go}>
      {children}
    </a>
  );
}
