// The week's break-even line: how many GPU-hours must still be sold so that the week pays.
import { formatCount } from "../format/text";
import { formatMoney, micro } from "../format/money";
import { Stat } from "../ui/stats";
import { useBreakEven } from "./data";

const BP = 100;

/** Whole GPU-hours of a decimal text. */
function hours(amount: string): string {
  return formatCount(Number(micro(amount) / 1_000_000n));
}

export function BreakEven({ zone }: { zone: string | undefined }) {
  const query = useBreakEven(zone);
  const item = query.data?.items[0];
  if (item === undefined)
    return <Stat name="To break even this week" value="…" note={query.isError ? "not known now" : "asking"} />;
  if (item.outlook === "reached")
    return <Stat name="To break even this week" value="reached" note="what is earned and sold covers its cost" />;
  const share =
    item.share_to_sell_bp == null ? null : `${(item.share_to_sell_bp / BP).toFixed(1)}\u202f% of what is free`;
  const price = item.gpu_hour_price == null ? null : `at ${formatMoney(item.gpu_hour_price)}`;
  return (
    <Stat
      name="To break even this week"
      value={item.gpu_hours_to_sell == null ? "out of reach" : `${hours(item.gpu_hours_to_sell)} GPU-h`}
      note={[item.outlook === "out_of_reach" ? "more than is free" : share, price]
        .filter((part) => part !== null)
        .join(", ")}
      alarming={item.outlook === "out_of_reach"}
    />
  );
}
