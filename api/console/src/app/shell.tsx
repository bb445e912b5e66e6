// The frame around every page: where one is, who one is, what time the fleet has, and whether the screen is true.
import { Link, Outlet } from "@tanstack/react-router";
import { isProvider, type Me } from "../api/model";
import { problemOf } from "../api/problem";
import { useMe } from "../api/queries";
import { session } from "../api/session";
import { formatInstant, words } from "../format/text";
import { LiveProvider } from "../live/live";
import { LiveBadge } from "../ui/live-badge";
import { Mark } from "../ui/mark";
import { ProblemBox } from "../ui/problem-box";
import { Loading } from "../ui/states";
import { ThemeButton } from "../ui/theme-button";
import { KeyboardHelp } from "./keyboard";
import { PrincipalContext } from "./principal";

const PAGES = [
  { to: "/fleet", name: "Fleet" },
  { to: "/reservations", name: "Reservations" },
  { to: "/economics", name: "Economics" },
] as const;

export function Shell() {
  const me = useMe();
  if (me.data === undefined) {
    return (
      <main className="page">
        {me.isError ? (
          <ProblemBox problem={problemOf(me.error)} retry={() => void me.refetch()} />
        ) : (
          <Loading what="your account" />
        )}
      </main>
    );
  }
  return (
    <PrincipalContext value={me.data}>
      <LiveProvider url={isProvider(me.data) ? "/v1/system/events" : "/v1/events"}>
        <a className="skip" href="#content">
          Skip to content
        </a>
        <TopBar me={me.data} />
        <main className="page" id="content">
          <Outlet />
        </main>
      </LiveProvider>
    </PrincipalContext>
  );
}

function TopBar({ me }: { me: Me }) {
  return (
    <header className="topbar">
      <Link to="/" className="brand" aria-label="Sluice, start">
        <Mark />
        <span>Sluice</span>
      </Link>
      <nav aria-label="Pages">
        {PAGES.map((page) => (
          <Link key={page.to} to={page.to}>
            {page.name}
          </Link>
        ))}
      </nav>
      <div className="topbar-end">
        <Clock me={me} />
        <LiveBadge />
        <span className="who">
          <span>{me.principal}</span>
          <small>{me.tenant === null ? words(me.role) : `${me.tenant} · ${words(me.role)}`}</small>
        </span>
        <KeyboardHelp />
        <ThemeButton />
        <button type="button" className="quiet" onClick={() => void session.signOut()}>
          Sign out
        </button>
      </div>
    </header>
  );
}

/** The time the fleet lives in. Where it is virtual, nobody may take it for the wall's. */
function Clock({ me }: { me: Me }) {
  return (
    <span className={me.virtual_clock ? "clock clock-virtual" : "clock"}>
      {me.virtual_clock && <b>Virtual time</b>} <time dateTime={me.domain_time}>{formatInstant(me.domain_time)}</time>{" "}
      UTC
    </span>
  );
}
