// What it costs so far and to its end; to the provider, too, what it earns.
import { useObject } from "../api/lists";
import { formatMicro, formatMoney, formatShare, micro, type Money } from "../format/money";
import { formatDate, formatDecimal, formatInstant } from "../format/text";
import { zoneName } from "../format/zone";
import { Fact, Facts } from "../ui/facts";
import { Loaded } from "../ui/states";

const UNKNOWN = "not known";

export function Cost({ id, provider }: { id: string; provider: boolean }) {
  const path = provider ? "/v1/system/reservations/{id}/cost" : "/v1/reservations/{id}/cost";
  const cost = useObject("reservations", { path, params: { id } });
  return (
    <section className="panel" aria-labelledby="cost-title">
      <h2 id="cost-title">Cost</h2>
      <Loaded query={cost} what="the cost">
        {(data) => (
          <>
            <Facts>
              <Fact name="So far">{money(data.so_far)}</Fact>
              <Fact name="To its end">{money(data.projected)}</Fact>
              <Fact name="Billed">{formatMoney(data.billed)}</Fact>
              <Fact name="Ending it now">{money(data.cancelling_now)}</Fact>
              <Fact name="Delivered">{Number(data.delivered_gpu_hours).toLocaleString("en-US")} GPU-hours</Fact>
              {data.meters.map((each) => (
                <Fact key={each.meter} name={each.meter}>
                  {formatDecimal(each.quantity)} {each.unit}, {each.amount === null ? "free" : formatMoney(each.amount)}
                </Fact>
              ))}
            </Facts>
            <p className="fine">
              As of {formatInstant(data.as_of)} {zoneName(data.as_of)}, before tax.
            </p>
          </>
        )}
      </Loaded>
      {provider && <Margin id={id} />}
    </section>
  );
}

function money(value: Money | null): string {
  return value === null ? UNKNOWN : formatMoney(value);
}

function Margin({ id }: { id: string }) {
  const margin = useObject("margin", { path: "/v1/system/reservations/{id}/margin", params: { id } });
  return (
    <Loaded query={margin} what="the margin">
      {(data) => (
        <>
          <h3>Margin</h3>
          <Facts>
            <Fact name="Revenue">{formatMoney(data.revenue)}</Fact>
            <Fact name="Amortization">{formatMoney(data.amortization)}</Fact>
            <Fact name="Power">{formatMoney(data.power)}</Fact>
            <Fact name="Other">{formatMoney(data.other)}</Fact>
            <Fact name="Margin">
              <b className={micro(data.margin.amount) < 0n ? "loss" : undefined}>
                {formatMicro(micro(data.margin.amount), data.margin.currency)}
              </b>{" "}
              {micro(data.revenue.amount) !== 0n && (
                <span className="fine">
                  {formatShare(micro(data.margin.amount), micro(data.revenue.amount))} of revenue
                </span>
              )}
            </Fact>
          </Facts>
          <p className="fine">
            {data.until === null
              ? "No day is closed yet."
              : `Days before ${formatDate(data.until)}, whose books are closed.`}
          </p>
        </>
      )}
    </Loaded>
  );
}
