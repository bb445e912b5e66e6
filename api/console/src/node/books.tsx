// What a node cost, what it is carried at, what it earned.
import { useMemo } from "react";
import type { Asset, Node } from "../api/model";
import { useObject } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatMicro, formatShare, micro, type Money } from "../format/money";
import { Fact } from "../fleet/detail";
import { dayOf, formatDate } from "../format/text";
import { Empty, Loaded } from "../ui/states";
import { useAssetsOf } from "./data";

const DAYS = 30;

export function NodeBooks({ node }: { node: Node }) {
  const assets = useAssetsOf(node.id);
  return (
    <section className="panel" aria-labelledby="books-title">
      <h2 id="books-title">Its books</h2>
      <Loaded query={assets} what="its assets">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No asset belongs to it: it is not depreciated" />
          ) : (
            <Assets assets={items} />
          )
        }
      </Loaded>
      <Earnings node={node} />
    </section>
  );
}

function sumOf(moneys: readonly Money[]): string {
  const [first] = moneys;
  if (first === undefined) return "\u2013";
  return formatMicro(
    moneys.reduce((sum, money) => sum + micro(money.amount), 0n),
    first.currency,
  );
}

function Assets({ assets }: { assets: readonly Asset[] }) {
  const status = assets.flatMap((asset) => (asset.status == null ? [] : [asset.status]));
  return (
    <dl className="facts">
      <Fact name="Cost">{sumOf(assets.map((asset) => asset.cost))}</Fact>
      <Fact name="Depreciated">{sumOf(status.map((each) => each.accumulated_depreciation))}</Fact>
      <Fact name="Book value">
        <b>{sumOf(status.map((each) => each.net_book_value))}</b>
      </Fact>
      <Fact name="In service since">{formatDate(assets.map((asset) => asset.in_service).sort()[0] ?? "")}</Fact>
      <Fact name={assets.length === 1 ? "Asset" : "Assets"}>
        {assets.map((asset) => `${asset.serial} (${asset.cohort}, ${asset.life_months} months)`).join(", ")}
      </Fact>
    </dl>
  );
}

function Earnings({ node }: { node: Node }) {
  const { domain_time: now } = usePrincipal();
  const query = { by: "node", key: node.id, from: dayOf(now, -DAYS), to: dayOf(now) };
  const margin = useObject("margin", { path: "/v1/system/margin", query });
  return (
    <>
      <h3>In {DAYS} days</h3>
      <Loaded query={margin} what="what it earned">
        {(answer) => <Earned item={answer.items.find((item) => item.key === node.id)} />}
      </Loaded>
    </>
  );
}

type Item = { revenue: Money; cost: Money; idle: Money; margin: Money } | undefined;

function Earned({ item }: { item: Item }) {
  const loses = useMemo(() => item !== undefined && micro(item.margin.amount) < 0n, [item]);
  if (item === undefined) return <p className="fine">No closed day has it in the books yet.</p>;
  const of = formatShare(micro(item.margin.amount), micro(item.cost.amount));
  return (
    <dl className="facts">
      <Fact name="Revenue">{sumOf([item.revenue])}</Fact>
      <Fact name="All costs">
        {sumOf([item.cost])}, {sumOf([item.idle])} of it idle
      </Fact>
      <Fact name="Margin">
        <b className={loses ? "loss" : undefined}>{sumOf([item.margin])}</b> ({of} of its cost)
      </Fact>
    </dl>
  );
}
