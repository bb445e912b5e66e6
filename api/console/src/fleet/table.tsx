// The same as the map in rows: nodes, or (of a fleet too large to be fetched node by node) racks.
import { formatGpus, formatInstant, formatCount, words } from "../format/text";
import { zoneName } from "../format/zone";
import { ListTools } from "../ui/list-tools";
import { StateChip } from "../ui/state-chip";
import { Empty } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { matches, nodeText, type FleetNode, type Focus, type Rack } from "./model";
import { nodeStates, nodeTones } from "./states";
import type { Paint, Part } from "./paint";
import type { FleetSearch } from "./routes";

function noteOf(node: FleetNode): string {
  const notes = [
    node.cordoned ? `cordoned${node.note === null ? "" : `: ${node.note}`}` : node.note,
    node.powered ? null : "powered off",
  ];
  return notes.filter((note) => note !== null).join(" · ");
}

function holders(node: FleetNode): string {
  return [...new Set(node.held.map((held) => held.tenant))].join(", ");
}

function nodeColumns(paint: Paint): readonly Column<FleetNode>[] {
  return [
    { key: "name", title: "Node", sort: (node) => node.name, render: (node) => <b>{node.name}</b> },
    {
      key: "state",
      title: "State",
      sort: (node) => node.state,
      render: (node) => <StateChip state={node.state} tone={nodeTones[node.state]} />,
    },
    { key: "fabric", title: "Fabric", sort: (node) => node.fabric, render: (node) => node.fabric },
    { key: "rack", title: "Rack", sort: (node) => node.rack, render: (node) => node.rack },
    { key: "model", title: "Model", sort: (node) => node.gpuModel, render: (node) => node.gpuModel },
    {
      key: "allocated",
      title: "GPUs allocated",
      align: "end",
      sort: (node) => node.allocatedMilli,
      render: (node) => `${formatGpus(node.allocatedMilli)} / ${node.gpuCount}`,
    },
    { key: "tenant", title: "Tenant", sort: holders, render: holders },
    {
      key: "since",
      title: "Since",
      align: "end",
      sort: (node) => node.since,
      render: (node) => formatInstant(node.since),
    },
    {
      key: "note",
      title: "Note",
      render: (node) => noteOf(node) || (paint.adds === true ? paint.say(node) : ""),
    },
  ];
}

const RACK_COLUMNS: readonly Column<Rack>[] = [
  { key: "name", title: "Rack", sort: (rack) => rack.name, render: (rack) => <b>{rack.name}</b> },
  { key: "zone", title: "Zone", sort: (rack) => rack.zone, render: (rack) => rack.zone },
  { key: "fabric", title: "Fabric", sort: (rack) => rack.fabric, render: (rack) => rack.fabric },
  {
    key: "nodes",
    title: "Nodes",
    align: "end",
    sort: (rack) => rack.nodeCount,
    render: (rack) => formatCount(rack.nodeCount),
  },
  {
    key: "allocated",
    title: "GPUs allocated",
    align: "end",
    sort: (rack) => rack.allocatedMilli,
    render: (rack) => `${formatGpus(rack.allocatedMilli)} / ${formatCount(rack.gpuCount)}`,
  },
  {
    key: "states",
    title: "States",
    render: (rack) =>
      nodeStates
        .filter((state) => (rack.states[state] ?? 0) > 0)
        .map((state) => `${rack.states[state] ?? 0} ${words(state)}`)
        .join(", "),
  },
];

interface NodesTableProps {
  racks: readonly Rack[];
  nodes: readonly FleetNode[];
  whole: boolean;
  paint: Paint;
  search: FleetSearch;
  set: (change: FleetSearch) => void;
  onFocus: (focus: Focus) => void;
}

export function NodesTable({ racks, nodes, whole, paint, search, set, onFocus }: NodesTableProps) {
  const bucket = paint.buckets.findIndex((each) => each.key === search.only);
  const shown = (parts: readonly Part[]): boolean =>
    search.only === undefined || parts.some((part) => part.bucket === bucket && part.share > 0);
  const nodeRows = whole ? nodes.filter((node) => shown(paint.node(node)) && matches(nodeText(node), search.find)) : [];
  const rackRows = whole
    ? []
    : racks.filter(
        (rack) => shown(paint.rack(rack)) && matches(`${rack.name} ${rack.zone} ${rack.fabric}`, search.find),
      );
  const total = whole ? nodes.length : racks.length;
  const count = whole ? nodeRows.length : rackRows.length;
  const only = paint.buckets[bucket]?.label;
  const title = whole ? "Nodes" : "Racks";
  return (
    <section aria-labelledby="nodes-title">
      <div className="section-top">
        <h2 id="nodes-title">{title}</h2>
        <span className="fine" role="status">
          {formatCount(count)} of {formatCount(total)}
          {only !== undefined && ` · ${only} only`} · times in {zoneName()}
        </span>
        <ListTools list={{ path: whole ? "/v1/system/nodes" : "/v1/system/fleet" }} name={title.toLowerCase()} />
      </div>
      {count === 0 ? (
        <Empty title={whole ? "No node matches" : "No rack matches"} />
      ) : whole ? (
        <DataTable
          label="Nodes"
          columns={nodeColumns(paint)}
          rows={nodeRows}
          rowKey={(node) => node.id}
          selected={search.node}
          sort={search.sort}
          onSort={(sort) => set({ sort })}
          onRow={(node) => set({ node: node.id })}
        />
      ) : (
        <DataTable
          label="Racks"
          columns={RACK_COLUMNS}
          rows={rackRows}
          rowKey={(rack) => rack.id}
          selected={search.node}
          sort={search.sort}
          onSort={(sort) => set({ sort })}
          onRow={(rack) => onFocus({ zone: rack.zone, fabric: rack.fabric, rack: rack.name })}
        />
      )}
    </section>
  );
}
