// What bounds the tenant: its quotas of the zone with what is held against them, and its credit.
import { useWhole, type ItemOf } from "../api/lists";
import { formatMoney } from "../format/money";
import { formatCount, formatGpus } from "../format/text";
import { Fact, Facts } from "../ui/facts";
import { Loaded } from "../ui/states";

type Quota = ItemOf<"/v1/quotas">;

export function Limits({ zone }: { zone: string | undefined }) {
  const quotas = useWhole("quotas", { path: "/v1/quotas" });
  const balances = useWhole("credit", { path: "/v1/balance" });
  return (
    <section aria-labelledby="limits-title">
      <h3 id="limits-title">Your limits</h3>
      <Loaded query={quotas} what="quotas">
        {({ items }) => {
          const here = items.filter((quota) => zone === undefined || quota.zone === zone);
          return here.length === 0 ? (
            <p className="fine">No quota bounds what you hold here.</p>
          ) : (
            <Facts>
              {here.map((quota) => (
                <Fact key={quota.id} name={quota.project ?? "All projects"}>
                  {quotaText(quota)}
                </Fact>
              ))}
            </Facts>
          );
        }}
      </Loaded>
      <Loaded query={balances} what="your credit">
        {({ items }) => (
          <Facts>
            {items.map((balance) => (
              <Fact key={balance.currency} name={`Credit, ${balance.currency}`}>
                {balance.available === null ? "no limit" : `${formatMoney(balance.available)} available`}
              </Fact>
            ))}
          </Facts>
        )}
      </Loaded>
    </section>
  );
}

export function quotaText(quota: Quota): string {
  const parts = [
    quota.peak_gpu_milli === null
      ? null
      : `${formatGpus(quota.held_peak_gpu_milli ?? 0)} of ${formatGpus(quota.peak_gpu_milli)} GPUs at once`,
    quota.month_gpu_hours === null
      ? null
      : `${formatCount(quota.held_month_gpu_hours ?? 0)} of ${formatCount(quota.month_gpu_hours)} GPU-hours this month`,
  ].filter((part) => part !== null);
  return `${parts.join(", ")}${quota.gpu_model === null ? "" : ` (${quota.gpu_model})`}`;
}
