// The zones' reconcilers: whether they work or are paused, how far they lag, and what is not as it is wished.
import { useWhole } from "../api/lists";
import type { Me, Reconciler } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatInstant } from "../format/text";
import { zoneName } from "../format/zone";
import { ActionButton } from "../ui/action";
import { ListTools } from "../ui/list-tools";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { driftOf, lagOf, pauseAction, resumeAction } from "./pause";

const EVERY_MS = 30_000; // lag and drift have no events

function columns(me: Me): readonly Column<Reconciler>[] {
  return [
    { key: "zone", title: "Zone", sort: (zone) => zone.zone, render: (zone) => <b>{zone.zone}</b> },
    {
      key: "state",
      title: "Automation",
      sort: (zone) => String(zone.paused),
      render: (zone) => <StateChip state={zone.paused ? "paused" : "works"} tone={zone.paused ? "bad" : "good"} />,
    },
    {
      key: "actions",
      title: "Stop and go",
      render: (zone) => (
        <>
          {zone.paused && <ActionButton action={resumeAction(zone, me)} className="small" />}{" "}
          <ActionButton action={pauseAction(zone, me)} className="quiet small" />
        </>
      ),
    },
    {
      key: "pause",
      title: "Why, until when",
      render: ({ pause }) =>
        pause === undefined
          ? "\u2013"
          : `${pause.reason}, until ${formatInstant(pause.until)}${pause.holds ? "" : "; its leader has yet to take it over"}`,
    },
    { key: "lag", title: "Lag", sort: (zone) => zone.lag.events_s, render: lagOf },
    { key: "drift", title: "Not as it is wished", render: driftOf },
  ];
}

export function Reconcilers() {
  const me = usePrincipal();
  const zones = useWhole("reconciler", { path: "/v1/system/reconciler" }, { every_ms: EVERY_MS });
  return (
    <section aria-labelledby="reconcilers-title">
      <div className="section-top">
        <h2 id="reconcilers-title">Zones</h2>
        <span className="fine">times in {zoneName(me.domain_time)}</span>
        <ListTools list={{ path: "/v1/system/reconciler" }} name="reconcilers" />
      </div>
      <Loaded query={zones} what="the zones">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No zones yet" />
          ) : (
            <DataTable label="Reconcilers" columns={columns(me)} rows={items} rowKey={(zone) => zone.id} />
          )
        }
      </Loaded>
    </section>
  );
}
