// Every view has an address; filters are part of it, typed and checked here.
import { createRootRoute, createRoute, createRouter, Link } from "@tanstack/react-router";
import { EconomicsPage } from "../economics/page";
import { FleetPage } from "../fleet/page";
import { ReservationPage } from "../reservations/detail";
import { ReservationsPage } from "../reservations/page";
import { reservationStates } from "../reservations/states";
import { Heading } from "../ui/heading";
import { Home } from "./home";
import { DAYS } from "./ranges";
import { Shell } from "./shell";

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export interface FleetSearch {
  state?: string | undefined;
  find?: string | undefined;
  node?: string | undefined;
}

export interface ReservationsSearch {
  state?: (typeof reservationStates)[number] | undefined;
  find?: string | undefined;
}

const root = createRootRoute({ component: Shell, notFoundComponent: Lost });

const home = createRoute({ getParentRoute: () => root, path: "/", component: Home });

const fleet = createRoute({
  getParentRoute: () => root,
  path: "/fleet",
  validateSearch: (search): FleetSearch => ({
    state: textOf(search.state),
    find: textOf(search.find),
    node: textOf(search.node),
  }),
  component: FleetPage,
});

const reservations = createRoute({
  getParentRoute: () => root,
  path: "/reservations",
  validateSearch: (search): ReservationsSearch => ({
    state: reservationStates.find((state) => state === search.state),
    find: textOf(search.find),
  }),
  component: ReservationsPage,
});

const reservation = createRoute({ getParentRoute: () => root, path: "/reservations/$id", component: ReservationPage });

const economics = createRoute({
  getParentRoute: () => root,
  path: "/economics",
  validateSearch: (search): { days?: number | undefined } => ({
    days: DAYS.find((days) => days === Number(search.days)),
  }),
  component: EconomicsPage,
});

function Lost() {
  return (
    <>
      <Heading title="Nothing here" />
      <p className="lead">
        This address belongs to no page. <Link to="/">Go to the start.</Link>
      </p>
    </>
  );
}

export const router = createRouter({
  routeTree: root.addChildren([home, fleet, reservations, reservation, economics]),
  basepath: "/console",
  // Our ids and states are plain words: ?state=active, not ?state=%22active%22; what is not set is left out.
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => {
    const set = Object.entries(search).filter(([, value]) => value !== undefined);
    const text = new URLSearchParams(set.map(([key, value]) => [key, String(value)])).toString();
    return text === "" ? "" : `?${text}`;
  },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
