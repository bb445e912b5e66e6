// Every view has an address; filters are part of it, typed and checked in the routes of its folder.
import { createRoute, createRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { ProblemError, problemOf } from "../api/problem";
import { accountRoutes } from "../account/routes";
import { auditRoutes } from "../audit/routes";
import { assetsRoutes } from "../assets/routes";
import { billingRoutes } from "../billing/routes";
import { calendarRoutes } from "../calendar/routes";
import { economicsRoutes } from "../economics/routes";
import { fleetRoutes } from "../fleet/routes";
import { instanceRoutes } from "../instance/routes";
import { maintenanceRoutes } from "../maintenance/routes";
import { nodeRoutes } from "../node/routes";
import { overviewRoutes } from "../overview/routes";
import { reservationsRoutes } from "../reservations/routes";
import { reserveRoutes } from "../reserve/routes";
import { tenantRoutes } from "../tenant/routes";
import { systemRoutes } from "../system/routes";
import { Heading } from "../ui/heading";
import { ProblemBox } from "../ui/problem-box";
import { Loading } from "../ui/states";
import { Home } from "./home";
import { root } from "./root";

const home = createRoute({ getParentRoute: () => root, path: "/", component: Home });

/** A view that failed to load or to show takes neither the frame nor the other views with it. Its chunk may be that of a
 * version that is served no more: only the document anew helps then. */
function Failed({ error }: ErrorComponentProps) {
  const problem =
    error instanceof ProblemError
      ? error.problem
      : { ...problemOf(error), code: "page_failed", title: "This page could not be shown", detail: error.message };
  return (
    <>
      <Heading title="Not shown" />
      <ProblemBox problem={problem} retry={() => window.location.reload()} />
    </>
  );
}

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    ...overviewRoutes,
    ...auditRoutes,
    ...systemRoutes,
    ...accountRoutes,
    ...fleetRoutes,
    ...nodeRoutes,
    ...calendarRoutes,
    ...maintenanceRoutes,
    ...reservationsRoutes,
    ...instanceRoutes,
    ...reserveRoutes,
    ...tenantRoutes,
    ...economicsRoutes,
    ...billingRoutes,
    ...assetsRoutes,
  ]),
  basepath: "/console",
  defaultPendingComponent: () => <Loading what="the page" />,
  defaultErrorComponent: Failed,
  // A chunk is fetched when the pointer or the focus comes to its link.
  defaultPreload: "intent",
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
