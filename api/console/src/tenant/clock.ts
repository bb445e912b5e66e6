// The fleet's time between two looks at it: a real one goes on, a virtual one stands still.
import { useEffect, useState } from "react";
import { usePrincipal } from "../app/principal";

const TICK_MS = 1000;

/** Domain time in milliseconds, once a second. */
export function useDomainNow(): number {
  const me = usePrincipal();
  const [seen, setSeen] = useState({ domain: me.domain_time, at: Date.now() });
  const [now, setNow] = useState(Date.now);
  if (seen.domain !== me.domain_time) setSeen({ domain: me.domain_time, at: Date.now() });
  useEffect(() => {
    if (me.virtual_clock) return;
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [me.virtual_clock]);
  return Date.parse(seen.domain) + (me.virtual_clock ? 0 : Math.max(0, now - seen.at));
}
