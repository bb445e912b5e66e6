// Maintenance: windows in which nodes are worked on, whom they hit, and what was said of them.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { api, unwrap } from "../api/client";
import type { MaintenanceWindow } from "../api/model";
import { allPages, PAGE_LIMIT, type Listing } from "../api/pages";
import { useEvents, useZones } from "../api/queries";
import { usePrincipal } from "../app/principal";
import { Fact } from "../fleet/detail";
import { countOf, formatCount, formatInstant, formatSpan, words } from "../format/text";
import { zoneName } from "../format/zone";
import { refusalFor } from "../node/actions";
import { Detail } from "../ui/detail";
import { ActionButton, type Action } from "../ui/action";
import { Heading } from "../ui/heading";
import { ListTools } from "../ui/list-tools";
import { StateChip, type Tone } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { HitList, planAction } from "./plan";
import { Replacements } from "./replacements";
import { windowStates, type MaintenanceSearch, type WindowState } from "./routes";
import "../fleet/fleet.css";
import "./maintenance.css";

const TONES: Readonly<Record<WindowState, Tone>> = {
  pending: "busy",
  planned: "wait",
  active: "warn",
  done: "done",
  refused: "bad",
  cancelled: "done",
};

function useWindows(state: WindowState | undefined): UseQueryResult<Listing<MaintenanceWindow>> {
  return useQuery({
    queryKey: ["maintenance", state ?? "every"],
    queryFn: () =>
      allPages((page) => {
        const query = { limit: PAGE_LIMIT, ...(page !== undefined && { page }), ...(state !== undefined && { state }) };
        return unwrap(api.GET("/v1/system/maintenance-windows", { params: { query } }));
      }),
  });
}

const stateOf = (window: MaintenanceWindow): WindowState => window.status?.state ?? "pending";

/** How its nodes were named. */
function placeOf(window: MaintenanceWindow): string {
  if (window.rack != null) return `rack ${window.rack}`;
  if (window.leaf != null) return `leaf ${window.leaf}`;
  const names = window.nodes ?? window.status?.nodes ?? [];
  return names.length <= 2
    ? names.join(", ")
    : `${names.slice(0, 2).join(", ")} and ${formatCount(names.length - 2)} more`;
}

const COLUMNS: readonly Column<MaintenanceWindow>[] = [
  { key: "what", title: "What", sort: (window) => window.reason, render: (window) => <b>{window.reason}</b> },
  {
    key: "state",
    title: "State",
    sort: stateOf,
    render: (window) => <StateChip state={stateOf(window)} tone={TONES[stateOf(window)]} />,
  },
  { key: "place", title: "Where", sort: placeOf, render: (window) => `${window.zone} / ${placeOf(window)}` },
  {
    key: "nodes",
    title: "Nodes",
    align: "end",
    sort: (window) => window.status?.nodes.length ?? 0,
    render: (window) => formatCount(window.status?.nodes.length ?? 0),
  },
  {
    key: "from",
    title: "From",
    align: "end",
    sort: (window) => window.starts_at,
    render: (window) => formatInstant(window.starts_at),
  },
  { key: "long", title: "For", align: "end", sort: lengthOf, render: (window) => formatSpan(lengthOf(window)) },
  {
    key: "moved",
    title: "Moved aside",
    align: "end",
    sort: (window) => window.status?.moved_count ?? 0,
    render: (window) => formatCount(window.status?.moved_count ?? 0),
  },
];

function lengthOf(window: MaintenanceWindow): number {
  const end = window.status?.ends_at ?? window.ends_at;
  return Math.max(0, (Date.parse(end) - Date.parse(window.starts_at)) / 1000);
}

export function MaintenancePage() {
  const { state, window: openId, replacement } = useSearch({ from: "/maintenance" });
  const navigate = useNavigate({ from: "/maintenance" });
  const windows = useWindows(state);
  const set = (change: MaintenanceSearch): void =>
    void navigate({ search: (was) => ({ ...was, ...change }), replace: true, resetScroll: false });
  const open = windows.data?.items.find((each) => each.id === openId);
  return (
    <>
      <Heading title="Maintenance" />
      <Plan onDone={(made) => set({ window: made.id })} />
      <div className="section-top">
        <div className="filter" role="group" aria-label="State">
          <button type="button" aria-pressed={state === undefined} onClick={() => set({ state: undefined })}>
            all
          </button>
          {windowStates.map((each) => (
            <button key={each} type="button" aria-pressed={state === each} onClick={() => set({ state: each })}>
              {words(each)}
            </button>
          ))}
        </div>
        <span className="fine">times in {zoneName()}</span>
        <ListTools list={{ path: "/v1/system/maintenance-windows", query: { state } }} name="maintenance" />
      </div>
      <Loaded query={windows} what="maintenance windows">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={state === undefined ? "No maintenance yet" : `No window is ${words(state)}`}>
              A window takes nodes, a rack, or all that is behind a leaf switch out of service for a time.
            </Empty>
          ) : (
            <div className={open === undefined ? "fleet" : "fleet fleet-with-detail"}>
              <DataTable
                label="Maintenance windows"
                columns={COLUMNS}
                rows={items}
                rowKey={(each) => each.id ?? ""}
                selected={openId}
                onRow={(each) => set({ window: each.id })}
              />
              {open !== undefined && <WindowDetail window={open} onClose={() => set({ window: undefined })} />}
            </div>
          )
        }
      </Loaded>
      <Replacements selected={replacement} />
    </>
  );
}

function Plan({ onDone }: { onDone: (made: MaintenanceWindow) => void }) {
  const me = usePrincipal();
  const zones = useZones().data?.items ?? [];
  return (
    <p className="actions" role="group" aria-label="Actions">
      {(["nodes", "rack", "leaf"] as const).map((target) => (
        // The form's zones are known from its start.
        <ActionButton key={`${target} ${zones.length}`} action={planAction({ me, zones, target, onDone })} />
      ))}
    </p>
  );
}

function useCancel(window: MaintenanceWindow): Action {
  const me = usePrincipal();
  const over = ["done", "refused", "cancelled"].includes(stateOf(window));
  return {
    touches: ["maintenance", "fleet", "nodes", "allocations"],
    refusal:
      refusalFor(me) ??
      (over
        ? `it is ${words(stateOf(window))}`
        : window.cancel_requested_at != null
          ? "that was asked for already"
          : null),
    title: `Cancel “${window.reason}”`,
    verb: "Cancel window",
    about:
      stateOf(window) === "active"
        ? "Its nodes are validated and return to the pool now."
        : "Its nodes stay in service. Who was moved aside stays where it is now.",
    ask: { method: "POST", path: "/v1/system/maintenance-windows/{id}/cancel", params: { id: window.id ?? "" } },
  };
}

function WindowDetail({ window, onClose }: { window: MaintenanceWindow; onClose: () => void }) {
  const cancel = useCancel(window);
  return (
    <Detail label={`Window ${window.reason}`} title={window.reason} onClose={onClose}>
      <p className="chips">
        <StateChip state={stateOf(window)} tone={TONES[stateOf(window)]} />
      </p>
      <p className="actions">
        <ActionButton action={cancel} />
      </p>
      <dl className="facts">
        <Fact name="From">{formatInstant(window.starts_at)}</Fact>
        <Fact name="Until">{formatInstant(window.status?.ends_at ?? window.ends_at)}</Fact>
        <Fact name="Where">{`${window.zone} / ${placeOf(window)}`}</Fact>
        <Fact name="Nodes">{window.status?.nodes.join(", ") ?? "\u2013"}</Fact>
        <Fact name="Moved aside">{countOf(window.status?.moved_count ?? 0, "reservation")}</Fact>
        {window.status?.reason != null && <Fact name="Refused because">{words(window.status.reason)}</Fact>}
      </dl>
      {(window.hits ?? []).length > 0 && (
        <>
          <h3>In its way</h3>
          <HitList hits={window.hits ?? []} />
        </>
      )}
      <Notices window={window} />
    </Detail>
  );
}

/** What was said of it: each of these went into the event log, which webhooks and watches carry on. */
function Notices({ window }: { window: MaintenanceWindow }) {
  const me = usePrincipal();
  const events = useEvents(me, window.id ?? "", "maintenance");
  const latest = useMemo(() => [...(events.data?.items ?? [])].reverse(), [events.data]);
  return (
    <>
      <h3>Notices sent</h3>
      <Loaded query={events} what="its notices">
        {() =>
          latest.length === 0 ? (
            <p className="fine">None yet.</p>
          ) : (
            <ol className="notices">
              {latest.map((event) => (
                <li key={event.id}>
                  <span>{words(event.kind.replace(/^maintenance\./, ""))}</span>
                  <time dateTime={event.occurred_at}>{formatInstant(event.occurred_at)}</time>
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
      <p className="fine">Each went into the event log, from which watches and webhooks have it.</p>
    </>
  );
}
