// Who leads what, what waits, and whether the planners' memory is that of the database.
import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import { useWhole } from "../api/lists";
import type { Leader, Queue, Zone } from "../api/model";
import { formatCount, formatInstant, formatSpan } from "../format/text";
import { zoneName } from "../format/zone";
import { ListTools } from "../ui/list-tools";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { nameOfWork, zoneIdOf } from "./leaders";
import { Reconcilers } from "./reconcilers";

const QUEUE_COLUMNS: readonly Column<Queue>[] = [
  { key: "name", title: "What waits", sort: (queue) => queue.name, render: (queue) => <b>{nameOfWork(queue.name)}</b> },
  {
    key: "depth",
    title: "How many",
    align: "end",
    sort: (queue) => queue.depth,
    render: (queue) => formatCount(queue.depth),
  },
  {
    key: "lag",
    title: "Oldest",
    align: "end",
    sort: (queue) => queue.lag_s,
    render: (queue) => (queue.depth === 0 ? "\u2013" : formatSpan(queue.lag_s)),
  },
];

export function WorkTab() {
  return (
    <>
      <Reconcilers />
      <Leaders />
      <div className="halves">
        <Queues />
        <Drift />
      </div>
    </>
  );
}

function leaderColumns(zones: readonly Zone[]): readonly Column<Leader>[] {
  return [
    {
      key: "name",
      title: "Part of the work",
      sort: (leader) => leader.name,
      render: (leader) => {
        const zone = zones.find((each) => each.id === zoneIdOf(leader.name));
        return <b>{zone === undefined ? nameOfWork(leader.name) : nameOfWork(`zone:${zone.name}`)}</b>;
      },
    },
    {
      key: "state",
      title: "Lease",
      sort: (leader) => String(leader.is_current),
      render: (leader) => (
        <StateChip state={leader.is_current ? "runs" : "expired"} tone={leader.is_current ? "good" : "bad"} />
      ),
    },
    {
      key: "epoch",
      title: "Epoch",
      align: "end",
      sort: (leader) => leader.epoch,
      render: (leader) => formatCount(leader.epoch),
    },
    {
      key: "holder",
      title: "Led by",
      sort: (leader) => leader.holder,
      render: (leader) => <code>{leader.holder}</code>,
    },
    {
      key: "renewed",
      title: "Renewed",
      align: "end",
      sort: (leader) => leader.renewed_at,
      render: (leader) => formatInstant(leader.renewed_at),
    },
  ];
}

function useZoneList() {
  return useWhole("zones", { path: "/v1/system/zones" });
}

function Leaders() {
  const leaders = useWhole("system", { path: "/v1/system/leaders" });
  const zones = useZoneList();
  return (
    <section aria-labelledby="leaders-title">
      <div className="section-top">
        <h2 id="leaders-title">Leaders</h2>
        <span className="fine">times in {zoneName()}, of the wall clock</span>
        <ListTools list={{ path: "/v1/system/leaders" }} name="leaders" />
      </div>
      <Loaded query={leaders} what="leaders">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nobody leads anything">No provisioner and no billing has started yet.</Empty>
          ) : (
            <DataTable
              label="Leaders"
              columns={leaderColumns(zones.data?.items ?? [])}
              rows={items}
              rowKey={(leader) => leader.name}
            />
          )
        }
      </Loaded>
    </section>
  );
}

function Queues() {
  const queues = useWhole("overview", { path: "/v1/system/queues" });
  return (
    <section aria-labelledby="queues-title">
      <div className="section-top">
        <h2 id="queues-title">Queues</h2>
        <ListTools list={{ path: "/v1/system/queues" }} name="queues" />
      </div>
      <Loaded query={queues} what="queues">
        {({ items }) => (
          <DataTable label="Queues" columns={QUEUE_COLUMNS} rows={items} rowKey={(queue) => queue.name} />
        )}
      </Loaded>
    </section>
  );
}

function Drift() {
  const zones = useZoneList();
  return (
    <section className="panel" aria-labelledby="drift-title">
      <h2 id="drift-title">Drift</h2>
      <p className="fine">
        Each planner’s memory, compared with a rebuild from the database at the same instant. The leader pays for a
        comparison.
      </p>
      <Loaded query={zones} what="zones">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No zones yet" />
          ) : (
            items.map((zone) => <ZoneDrift key={zone.id} zone={zone} />)
          )
        }
      </Loaded>
    </section>
  );
}

function ZoneDrift({ zone }: { zone: Zone }) {
  const compared = useQuery({
    queryKey: ["drift", zone.name],
    queryFn: () => unwrap(api.GET("/v1/system/planner/verify", { params: { query: { zone: zone.name } } })),
    enabled: false,
    staleTime: Infinity,
  });
  return (
    <div className="drift">
      <strong>{zone.name}</strong>
      <button type="button" className="small" disabled={compared.isFetching} onClick={() => void compared.refetch()}>
        {compared.isFetching ? "Comparing…" : "Compare"}
      </button>
      {(compared.data !== undefined || compared.isError) && (
        <Loaded query={compared} what="the comparison">
          {(found) => (
            <p role="status">
              <StateChip state={found.equal ? "no drift" : "they differ"} tone={found.equal ? "good" : "bad"} />
              <span className="fine">
                {" "}
                {formatCount(found.memory.nodes)} nodes, {formatCount(found.memory.allocations)} places, rebuilt in{" "}
                {formatCount(found.rebuild_ms)} ms
              </span>
            </p>
          )}
        </Loaded>
      )}
    </div>
  );
}
