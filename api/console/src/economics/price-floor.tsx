// What a GPU-hour costs on each kind of node, and what it must be sold for.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useWhole, type ItemOf } from "../api/lists";
import { formatRate, micro } from "../format/money";
import { formatCount, words } from "../format/text";
import { ListTools } from "../ui/list-tools";
import { ScenarioInput } from "../ui/scenario";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { basisPointsOf, percentOf } from "./series";

type UnitCost = ItemOf<"/v1/system/unit-costs">;

const COLUMNS: readonly Column<UnitCost>[] = [
  {
    key: "type",
    title: "Instance type",
    sort: (item) => item.instance_type,
    render: (item) => <b>{item.instance_type ?? "no price"}</b>,
  },
  { key: "tier", title: "Tier", sort: (item) => item.tier, render: (item) => words(item.tier ?? "–") },
  { key: "zone", title: "Zone", sort: (item) => item.zone, render: (item) => item.zone },
  {
    key: "node",
    title: "Node",
    sort: (item) => item.gpu_model,
    render: (item) => `${item.gpu_count} × ${item.gpu_model}`,
  },
  { key: "nodes", title: "Nodes", align: "end", sort: (item) => item.nodes, render: (item) => formatCount(item.nodes) },
  money("node_hour_depreciation", "Depreciation, node-hour"),
  money("node_hour_cash", "Cash, node-hour"),
  money("gpu_hour_variable", "Variable, GPU-hour"),
  money("gpu_hour_cost", "Cost, GPU-hour"),
  money("gpu_hour_floor", "Floor"),
  {
    key: "price",
    title: "Price",
    align: "end",
    sort: (item) => (item.gpu_hour_price === null ? null : micro(item.gpu_hour_price.amount)),
    render: (item) => (item.gpu_hour_price === null ? "none" : <b>{formatRate(item.gpu_hour_price)}</b>),
  },
  {
    key: "even",
    title: "Pays from",
    align: "end",
    sort: (item) => item.break_even_bp,
    render: (item) => (item.break_even_bp === null ? "never" : `${percentOf(item.break_even_bp)} % sold`),
  },
  {
    key: "verdict",
    title: "Verdict",
    render: (item) =>
      item.gpu_hour_price === null ? null : item.is_below_floor ? (
        <StateChip state="below floor" tone="bad" />
      ) : (
        <StateChip state="pays" tone="good" />
      ),
  },
];

function money(
  key: "node_hour_depreciation" | "node_hour_cash" | "gpu_hour_variable" | "gpu_hour_cost" | "gpu_hour_floor",
  title: string,
): Column<UnitCost> {
  return { key, title, align: "end", sort: (item) => micro(item[key].amount), render: (item) => formatRate(item[key]) };
}

export function PriceFloor() {
  const { use, target, currency } = useSearch({ from: "/economics" });
  const navigate = useNavigate({ from: "/economics" });
  const query = {
    utilisation_bp: use === undefined ? undefined : String(use),
    margin_bp: target === undefined ? undefined : String(target),
    currency,
  };
  const costs = useWhole("margin", { path: "/v1/system/unit-costs", query }, { filters: Object.keys(query) });
  const take = (key: "use" | "target", text: string): boolean => {
    const value = text === "" ? undefined : basisPointsOf(text);
    if (value === null || (value !== undefined && value > (key === "use" ? 10000 : 9999))) return false;
    void navigate({ search: (was) => ({ ...was, [key]: value }), replace: true });
    return true;
  };
  return (
    <>
      <p className="lead">
        What a GPU-hour costs when so much of it is sold, and the least it must bring. A price below its floor loses
        money or misses the margin.
      </p>
      <div className="scenario">
        <ScenarioInput
          label="Utilisation, %"
          value={use === undefined ? "" : percentOf(use)}
          placeholder="all sold"
          onChange={(text) => take("use", text)}
        />
        <ScenarioInput
          label="Margin to reach, %"
          value={target === undefined ? "" : percentOf(target)}
          placeholder="0"
          onChange={(text) => take("target", text)}
        />
        <ListTools list={{ path: "/v1/system/unit-costs", query }} name="price-floor" />
      </div>
      <Loaded query={costs} what="unit costs">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No node to cost">
              Nodes with GPUs appear here, with what their assets and rates make of them.
            </Empty>
          ) : (
            <DataTable
              label="Price floor"
              columns={COLUMNS}
              rows={items}
              rowKey={(item) => [item.zone, item.instance_type, item.tier, item.gpu_model, item.gpu_count].join(" ")}
            />
          )
        }
      </Loaded>
    </>
  );
}
