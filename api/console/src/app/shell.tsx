// The frame around every page: where one is, who one is, what time the fleet has, and whether the screen is true.
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { isProvider, type Me } from "../api/model";
import { problemOf } from "../api/problem";
import { useMe } from "../api/queries";
import { formatInstant, words } from "../format/text";
import { useTimeZone, zoneName } from "../format/zone";
import { LiveProvider } from "../live/live";
import { Heading } from "../ui/heading";
import { LiveBadge } from "../ui/live-badge";
import { ProblemBox } from "../ui/problem-box";
import { Empty, Loading } from "../ui/states";
import { AccountMenu } from "./account-menu";
import { Keyboard } from "./keyboard";
import { Navigation } from "./navigation";
import { pageAt, pagesFor } from "./pages";
import { PausedZones } from "./paused-zones";
import { PrincipalContext } from "./principal";

const Palette = lazy(() => import("./palette"));

export function Shell() {
  const me = useMe();
  const zone = useTimeZone();
  if (me.data === undefined) {
    return (
      <main className="page">
        {me.isError ? (
          <ProblemBox problem={problemOf(me.error)} retry={() => void me.refetch()} busy={me.isFetching} again />
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
        <div className="frame">
          <TopBar me={me.data} />
          <Navigation />
          <main className="page" id="content">
            {isProvider(me.data) && <PausedZones />}
            {/* In another zone everything reads anew. */}
            <Content key={zone} me={me.data} />
          </main>
        </div>
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
  const [palette, setPalette] = useState(false);
  return (
    <header className="topbar">
      <button type="button" className="palette-button" onClick={() => setPalette(true)}>
        <span>Go to or find…</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div className="topbar-end">
        <Clock me={me} />
        <LiveBadge />
        <Keyboard onPalette={() => setPalette(true)} />
        <AccountMenu me={me} />
      </div>
      {palette && (
        <Suspense>
          <Palette onClose={() => setPalette(false)} />
        </Suspense>
      )}
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
