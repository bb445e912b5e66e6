// The fleet: how much there is, how it is, and where.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Node } from "../api/model";
import { useNodes, useZones } from "../api/queries";
import type { FleetSearch } from "./routes";
import { byName, countOf, formatCount, formatGpus, formatInstant, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Heading } from "../ui/heading";
import { ListTools } from "../ui/list-tools";
import { SearchBox } from "../ui/search-box";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import { DataTable, type Column } from "../ui/table";
import { NodeDetail } from "./detail";
import { Legend } from "./legend";
import { FleetMap } from "./map";
import { nodeTones, stateOf, sumFleet, type FleetSums } from "./states";
import "./fleet.css";

const COLUMNS: readonly Column<Node>[] = [
  { key: "name", title: "Node", sort: (node) => node.name, render: (node) => <b>{node.name}</b> },
  {
    key: "state",
    title: "State",
    sort: (node) => node.status.state,
    render: (node) => <StateChip state={node.status.state} tone={nodeTones[stateOf(node)]} />,
  },
  { key: "fabric", title: "Fabric", sort: (node) => node.fabric, render: (node) => node.fabric },
  { key: "rack", title: "Rack", sort: (node) => node.rack, render: (node) => node.rack },
  { key: "model", title: "Model", sort: (node) => node.gpu_model, render: (node) => node.gpu_model },
  {
    key: "allocated",
    title: "GPUs allocated",
    align: "end",
    sort: (node) => node.status.allocated_gpu_milli,
    render: (node) => `${formatGpus(node.status.allocated_gpu_milli)} / ${node.gpu_count}`,
  },
  {
    key: "since",
    title: "Since",
    align: "end",
    sort: (node) => node.status.since,
    render: (node) => formatInstant(node.status.since),
  },
  { key: "note", title: "Note", render: noteOf },
];

function noteOf(node: Node): string {
  const notes = [
    node.cordoned ? `cordoned${node.cordon_reason == null ? "" : `: ${node.cordon_reason}`}` : null,
    node.sim_powered ? null : "powered off",
    node.status.last_error ?? null,
  ];
  return notes.filter((note) => note !== null).join(" · ");
}

export function FleetPage() {
  const nodes = useNodes();
  return (
    <>
      <Heading title="Fleet" />
      <Loaded query={nodes} what="the fleet">
        {({ items, capped }) =>
          items.length === 0 ? (
            <Empty title="No nodes yet">
              Enrol the first with <code>POST /v1/system/nodes</code>; it appears here by itself.
            </Empty>
          ) : (
            <Fleet nodes={items} capped={capped} />
          )
        }
      </Loaded>
    </>
  );
}

function Fleet({ nodes, capped }: { nodes: Node[]; capped: boolean }) {
  const { state, find, node: selectedId } = useSearch({ from: "/fleet" });
  const navigate = useNavigate({ from: "/fleet" });
  const zones = useZones();
  const sums = useMemo(() => sumFleet(nodes), [nodes]);
  const selected = nodes.find((node) => node.id === selectedId);
  const rows = useMemo(() => nodesMatching(nodes, state, find), [nodes, state, find]);
  const set = (change: FleetSearch): void =>
    void navigate({ search: (was) => ({ ...was, ...change }), replace: true, resetScroll: false });

  return (
    <>
      <FleetStats sums={sums} />
      {capped && (
        <p className="notice">
          Only the first {countOf(nodes.length, "node")} were fetched: counts and map are of these.
        </p>
      )}
      <div className={selected === undefined ? "fleet" : "fleet fleet-with-detail"}>
        <section className="panel" aria-label="Map">
          <Legend sums={sums} state={state} onState={(next) => set({ state: next })} />
          <FleetMap nodes={nodes} state={state} selected={selectedId} onSelect={(id) => set({ node: id })} />
        </section>
        {selected !== undefined && (
          <NodeDetail
            node={selected}
            zone={zones.data?.items.find((zone) => zone.name === selected.zone)}
            onClose={() => set({ node: undefined })}
          />
        )}
      </div>
      <section aria-labelledby="nodes-title">
        <div className="section-top">
          <h2 id="nodes-title">Nodes</h2>
          <SearchBox
            label="Search nodes"
            value={find ?? ""}
            onChange={(text) => set({ find: text === "" ? undefined : text })}
          />
          <span className="fine" role="status">
            {formatCount(rows.length)} of {formatCount(nodes.length)}
            {state !== undefined && ` · ${words(state)} only`} · times in {zoneName()}
          </span>
          <ListTools list={{ path: "/v1/system/nodes", query: { state } }} name="nodes" />
        </div>
        {rows.length === 0 ? (
          <Empty title="No node matches" />
        ) : (
          <DataTable
            label="Nodes"
            columns={COLUMNS}
            rows={rows}
            rowKey={(node) => node.id}
            selected={selectedId}
            onRow={(node) => set({ node: node.id })}
          />
        )}
      </section>
    </>
  );
}

function FleetStats({ sums }: { sums: FleetSums }) {
  const share = sums.gpus === 0 ? 0 : sums.allocatedMilli / 10 / sums.gpus;
  return (
    <Stats>
      <Stat name="GPUs" value={formatCount(sums.gpus)} note={countOf(sums.nodes, "node")} />
      <Stat name="Allocated" value={`${share.toFixed(1)}\u202f%`} note={`${formatGpus(sums.allocatedMilli)} GPUs`} />
      <Stat
        name="Free to sell now"
        value={formatGpus(Math.round(sums.readyGpus * 1000))}
        note="GPUs on nodes that are ready"
      />
      <Stat
        name="Needs a hand"
        value={formatCount(sums.needsAHand)}
        note="quarantined or in repair"
        alarming={sums.needsAHand > 0}
      />
    </Stats>
  );
}

function nodesMatching(nodes: readonly Node[], state: string | undefined, find: string | undefined): Node[] {
  const wanted = (find ?? "")
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return nodes
    .filter((node) => state === undefined || node.status.state === state)
    .filter((node) => {
      const text =
        `${node.name} ${node.zone} ${node.fabric} ${node.rack} ${node.gpu_model} ${node.status.state} ${noteOf(node)}`.toLowerCase();
      return wanted.every((word) => text.includes(word));
    })
    .sort((a, b) => byName(a.name, b.name));
}
