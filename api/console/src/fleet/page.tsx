// The fleet: how much there is, how it is, and where.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useDeferredValue, useMemo } from "react";
import { isProvider } from "../api/model";
import { useZones } from "../api/queries";
import { usePrincipal } from "../app/principal";
import { countOf, formatCount, formatGpus } from "../format/text";
import { Heading } from "../ui/heading";
import { SearchBox } from "../ui/search-box";
import { Empty, Loaded } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import { useFleet } from "./data";
import { NodeDetail } from "./detail";
import { FocusPath } from "./focus-path";
import { useKnowledge } from "./knowledge";
import { Legend } from "./legend";
import type { Mark } from "./layout";
import { FleetMap } from "./map";
import {
  focusOf,
  focusText,
  isWithin,
  stepIn,
  stepOut,
  sumRacks,
  type FleetNode,
  type Focus,
  type FleetSums,
  type Rack,
} from "./model";
import { PAINTS, paintOf, weigh } from "./paint";
import type { FleetSearch } from "./routes";
import { NodesTable } from "./table";
import "./fleet.css";

export function FleetPage() {
  const me = usePrincipal();
  if (!isProvider(me)) {
    return (
      <>
        <Heading title="Fleet" />
        <Empty title="The fleet is the provider’s view">
          Your token belongs to the tenant {me.tenant}. What you have reserved is under Reservations.
        </Empty>
      </>
    );
  }
  return <ProviderFleet />;
}

function ProviderFleet() {
  const { at } = useSearch({ from: "/fleet" });
  const focus = useMemo(() => focusOf(at), [at]);
  const fleet = useFleet(focus);
  return (
    <>
      <Heading title="Fleet" />
      <Loaded query={fleet.query} what="the fleet">
        {() =>
          fleet.racks.length === 0 ? (
            <Empty title="No nodes yet">
              Enrol the first with <code>POST /v1/system/nodes</code>; it appears here by itself.
            </Empty>
          ) : (
            <Fleet racks={fleet.racks} focus={focus} whole={fleet.whole} />
          )
        }
      </Loaded>
    </>
  );
}

const NO_NODES: readonly FleetNode[] = [];

interface FleetProps {
  racks: readonly Rack[];
  focus: Focus;
  whole: boolean;
}

function Fleet({ racks, focus, whole }: FleetProps) {
  const search = useSearch({ from: "/fleet" });
  const navigate = useNavigate({ from: "/fleet" });
  const me = usePrincipal();
  const zones = useZones();
  const kind = paintOf(search.by);
  const knowledge = useKnowledge(kind, me.domain_time);
  const near = useMemo(() => racks.filter((rack) => isWithin(rack, focus)), [racks, focus]);
  const paint = useMemo(() => kind.make(racks, knowledge), [kind, racks, knowledge]);
  const weights = useMemo(() => weigh(paint, near), [paint, near]);
  const sums = useMemo(() => sumRacks(near), [near]);
  const nodes = useMemo(() => near.flatMap((rack) => rack.nodes ?? []), [near]);
  const rows = useDeferredValue(nodes, NO_NODES); // the map comes first
  const selected = nodes.find((node) => node.id === search.node);
  const set = (change: FleetSearch): void =>
    void navigate({ search: (was) => ({ ...was, ...change }), replace: true, resetScroll: false });
  const go = (to: Focus): void =>
    void navigate({ search: (was) => ({ ...was, at: focusText(to), node: undefined }), resetScroll: false });

  function enter(mark: Pick<Mark, "rack" | "node">, toRack: boolean): void {
    const atRack = focus.rack !== undefined;
    if (mark.node !== null && atRack) void navigate({ to: "/fleet/nodes/$id", params: { id: mark.node.id } });
    else if (toRack) go({ zone: mark.rack.zone, fabric: mark.rack.fabric, rack: mark.rack.name });
    else go(stepIn(focus, mark.rack, racks));
  }

  return (
    <>
      <FleetStats sums={sums} />
      <div className={selected === undefined ? "fleet" : "fleet fleet-with-detail"}>
        <section className="panel" aria-label="Map">
          <div className="map-top">
            <FocusPath focus={focus} racks={racks} onFocus={go} />
            <div className="filter" role="group" aria-label="What colours say">
              {PAINTS.map((each) => (
                <button
                  key={each.key}
                  type="button"
                  aria-pressed={each.key === kind.key}
                  onClick={() => set({ by: each.key === "state" ? undefined : each.key, only: undefined })}
                >
                  {each.title}
                </button>
              ))}
            </div>
            <SearchBox
              label="Search the fleet"
              value={search.find ?? ""}
              onChange={(text) => set({ find: text === "" ? undefined : text })}
            />
          </div>
          <Legend
            paint={paint}
            weights={weights}
            cordoned={sums.cordoned}
            off={sums.off}
            only={search.only}
            onOnly={(only) => set({ only })}
          />
          <FleetMap
            racks={near}
            paint={paint}
            only={search.only}
            find={search.find}
            selected={search.node}
            onSelect={(id) => set({ node: id })}
            onEnter={enter}
            onLeave={() => go(stepOut(focus, racks))}
            place={focusText(focus) ?? ""}
          />
        </section>
        {selected !== undefined && (
          <NodeDetail
            node={selected}
            zone={zones.data?.items.find((zone) => zone.name === selected.zone)}
            onClose={() => set({ node: undefined })}
          />
        )}
      </div>
      {(rows !== NO_NODES || !whole) && (
        <NodesTable racks={near} nodes={rows} whole={whole} paint={paint} search={search} set={set} onFocus={go} />
      )}
    </>
  );
}

function FleetStats({ sums }: { sums: FleetSums }) {
  const share = sums.gpus === 0 ? 0 : sums.allocatedMilli / 10 / sums.gpus;
  const usable = sums.byState.ready + sums.byState.allocated;
  return (
    <Stats>
      <Stat
        name="GPUs"
        value={formatCount(sums.gpus)}
        note={`${countOf(sums.nodes, "node")} in ${countOf(sums.racks, "rack")}`}
      />
      <Stat name="Allocated" value={`${share.toFixed(1)}\u202f%`} note={`${formatGpus(sums.allocatedMilli)} GPUs`} />
      <Stat name="Ready or in use" value={formatCount(usable)} note={`nodes; ${formatCount(sums.cordoned)} cordoned`} />
      <Stat
        name="Needs a hand"
        value={formatCount(sums.needsAHand)}
        note="quarantined or in repair"
        alarming={sums.needsAHand > 0}
      />
    </Stats>
  );
}
