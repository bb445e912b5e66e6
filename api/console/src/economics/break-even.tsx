// What of a week must still be sold so that it pays.
import { useSearch } from "@tanstack/react-router";
import { useObject, type ObjectOf } from "../api/lists";
import "../charts/charts.css";
import { fraction } from "../charts/scale";
import { formatMicro, formatMoney, formatRate, micro } from "../format/money";
import { formatCount, formatDate, formatInstant } from "../format/text";
import { zoneName } from "../format/zone";
import { StateChip, type Tone } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { percentOf } from "./series";

type Item = ObjectOf<"/v1/system/break-even">["items"][number];

const TONES: Readonly<Record<Item["outlook"], Tone>> = { reached: "good", possible: "warn", out_of_reach: "bad" };
const WEEKS = "4";

export function BreakEven() {
  const { currency } = useSearch({ from: "/economics" });
  const query = { by: "gpu_model", weeks: WEEKS, currency };
  const even = useObject("margin", { path: "/v1/system/break-even", query }, { filters: ["currency"] });
  return (
    <Loaded query={even} what="the break-even">
      {({ items, as_of }) =>
        items.length === 0 ? (
          <Empty title="No node in service">
            What a week costs and what of it is sold appears here with the first node.
          </Empty>
        ) : (
          <>
            <p className="lead">
              What these weeks cost, what is earned and sold of them, and what must still be sold at the list price of
              reserved capacity. As of {formatInstant(as_of)} {zoneName(as_of)}.
            </p>
            <div className="halves">
              {items.map((item) => (
                <Week key={`${item.week} ${item.key}`} item={item} />
              ))}
            </div>
          </>
        )
      }
    </Loaded>
  );
}

function whole(hours: string | null): string {
  return hours === null ? "–" : formatCount(Math.round(Number(hours)));
}

function Week({ item }: { item: Item }) {
  const title = `${item.key}, week of ${formatDate(item.week)}`;
  return (
    <section className="panel" aria-label={title}>
      <div className="section-top">
        <h2>{title}</h2>
        <StateChip state={item.outlook} tone={TONES[item.outlook]} />
      </div>
      <Progress item={item} />
      <dl className="facts">
        <Fact name="Cost" value={formatMoney(item.cost)} />
        <Fact
          name="Delivered"
          value={`${formatMoney(item.revenue_delivered)} for ${whole(item.gpu_hours_delivered)} GPU-hours`}
        />
        <Fact name="Booked" value={`${formatMoney(item.revenue_booked)} for ${whole(item.gpu_hours_sold)} GPU-hours`} />
        <Fact name="Still free" value={`${whole(item.gpu_hours_free)} GPU-hours`} />
        <Fact name="To be sold" value={toSell(item)} />
      </dl>
    </section>
  );
}

function toSell(item: Item): string {
  if (item.outlook === "reached")
    return `nothing: ${formatMicro(-micro(item.gap.amount), item.gap.currency)} over its cost`;
  if (item.gpu_hours_to_sell === null || item.gpu_hour_price === null)
    return `${formatMoney(item.gap)}, and nothing that is free has a price`;
  const share = item.share_to_sell_bp === null ? "" : `, ${percentOf(item.share_to_sell_bp)} % of what is free`;
  return `${whole(item.gpu_hours_to_sell)} GPU-hours at ${formatRate(item.gpu_hour_price)}${share}`;
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Delivered and booked against the cost: the mark is where the week breaks even. */
function Progress({ item }: { item: Item }) {
  const [cost, delivered, booked] = [item.cost, item.revenue_delivered, item.revenue_booked].map(({ amount }) =>
    micro(amount),
  ) as [bigint, bigint, bigint];
  const most = delivered + booked > cost ? delivered + booked : cost;
  const at = (value: bigint): number => 100 * Math.max(0, fraction(value, most));
  return (
    <svg className="even" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect className="meter-all" width="100" height="8" />
      <rect className="series-0" width={at(delivered)} height="8" />
      <rect className="even-booked" x={at(delivered)} width={at(booked)} height="8" />
      <rect className="even-mark" x={Math.max(0, at(cost) - 0.6)} width="0.6" height="8" />
    </svg>
  );
}
