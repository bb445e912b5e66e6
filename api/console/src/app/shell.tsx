// The frame around every page: where one is, who one is, what time the fleet has, and whether the screen is true.
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { isProvider, type Me } from "../api/model";
import { problemOf } from "../api/problem";
import { useMe } from "../api/queries";
import { session } from "../api/session";
import { formatInstant, words } from "../format/text";
import { useTimeZone, zoneName } from "../format/zone";
import { LiveProvider } from "../live/live";
import { Heading } from "../ui/heading";
import { LiveBadge } from "../ui/live-badge";
import { Mark } from "../ui/mark";
import { ProblemBox } from "../ui/problem-box";
import { Empty, Loading } from "../ui/states";
import { ThemeButton } from "../ui/theme-button";
import { Keyboard } from "./keyboard";
import { pageAt, pagesFor } from "./pages";
import { PrincipalContext } from "./principal";

export function Shell() {
  const me = useMe();
  const zone = useTimeZone();
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
          {/* In another zone everything reads anew. */}
          <Content key={zone} me={me.data} />
        </main>
      </LiveProvider>
    </PrincipalContext>
  );
}

/** The page, or that it is not this principal's: the API would give it nothing of it. */
function Content({ me }: { me: Me }) {
  const path = useLocation({ select: (location) => location.pathname });
  const page = pageAt(path);
  if (page === undefined || pagesFor(me).includes(page)) return <Outlet />;
  return (
    <>
      <Heading title={page.name} />
      <Empty title={`This page is not for the role ${words(me.role)}`}>
        <Link to="/">Go to the start.</Link>
      </Empty>
    </>
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
        {pagesFor(me).map((page) => (
          <Link key={page.path} to={page.path}>
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
        <Keyboard />
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
      {zoneName(me.domain_time)}
    </span>
  );
}
