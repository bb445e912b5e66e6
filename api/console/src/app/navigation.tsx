// The pages, in their groups: a column beside the page, and behind a button where the screen is narrow.
import { Link, useLocation } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { isProvider } from "../api/model";
import { Mark } from "../ui/mark";
import { pagesFor, type PageEntry } from "./pages";
import { usePrincipal } from "./principal";

const GROUPS = ["run", "sell", "govern"] as const satisfies readonly PageEntry["group"][];
const NAMES: Readonly<Record<"provider" | "tenant", Readonly<Record<PageEntry["group"], string>>>> = {
  provider: { run: "Run", sell: "Sell", govern: "Govern" },
  tenant: { run: "Reserve", sell: "Pay", govern: "Manage" },
};

export function Navigation() {
  const me = usePrincipal();
  const pages = pagesFor(me);
  const names = NAMES[isProvider(me) ? "provider" : "tenant"];
  const [open, setOpen] = useState(false);
  const path = useLocation({ select: (location) => location.pathname });
  useEffect(() => setOpen(false), [path]);
  return (
    <nav className={open ? "side side-open" : "side"} aria-label="Pages">
      <div className="side-top">
        <Link to="/" className="brand" aria-label="Sluice, start">
          <Mark />
          <span>Sluice</span>
        </Link>
        <button
          type="button"
          className="menu-button"
          aria-expanded={open}
          aria-controls="navigation"
          onClick={() => setOpen(!open)}
        >
          Menu
        </button>
      </div>
      <div id="navigation" className="side-pages">
        {GROUPS.map((group) => {
          const own = pages.filter((page) => page.group === group);
          if (own.length === 0) return null;
          return (
            <div key={group} role="group" aria-label={names[group]}>
              <span className="side-group" aria-hidden="true">
                {names[group]}
              </span>
              {own.map((page) => (
                <Link key={page.path} to={page.path} title={`g ${page.key}`}>
                  {page.name}
                </Link>
              ))}
            </div>
          );
        })}
      </div>
    </nav>
  );
}
