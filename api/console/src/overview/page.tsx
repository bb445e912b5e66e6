// The start of a shift: what there is, what needs a hand, whether today pays.
import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import { useWhole } from "../api/lists";
import type { Attention, Governance, Margin } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatMoney, formatShare, formatShort, micro } from "../format/money";
import { countOf, dayOf, formatCount, formatGpus, formatInstant, formatSpan } from "../format/text";
import { zoneName } from "../format/zone";
import { nameOfWork } from "../system/leaders";
import { Goto } from "../ui/goto";
import { Heading } from "../ui/heading";
import { Share } from "../ui/share";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import { concernOf, pressing } from "./attention";
import { shareOf, sumsOf } from "./sums";
import "./overview.css";

/** Longer than this a queue is late: events are read within moments. */
const LAG_LATE_S = 30;

export function OverviewPage() {
  const parts = useWhole("overview", { path: "/v1/system/governance" });
  const attention = useWhole("overview", { path: "/v1/system/attention" });
  return (
    <>
      <Heading title="Overview" />
      <Loaded query={parts} what="the fleet">
        {({ items }) => <Fleet parts={items} />}
      </Loaded>
      <div className="overview-halves">
        <section className="panel" aria-labelledby="attention-title">
          <h2 id="attention-title">Needs a hand</h2>
          <Loaded query={attention} what="what needs a hand">
            {({ items }) => <Pressing all={items} />}
          </Loaded>
        </section>
        <div className="overview-side">
          <Today />
          <Queues />
        </div>
      </div>
    </>
  );
}

function Fleet({ parts }: { parts: readonly Governance[] }) {
  const sums = sumsOf(parts);
  if (sums.nodes === 0) return <Empty title="No nodes yet">Enrol the first with POST /v1/system/nodes.</Empty>;
  return (
    <>
      <Stats>
        <Stat name="Delivered" value={formatCount(sums.delivered)} note={`GPUs of ${countOf(sums.nodes, "node")}`} />
        <Stat
          name="Healthy"
          value={shareOf(sums.healthy * 1000, sums.delivered)}
          note={`${formatCount(sums.healthy)} GPUs`}
        />
        <Stat
          name="Reserved now"
          value={shareOf(sums.reservedMilli, sums.delivered)}
          note={`${formatGpus(sums.reservedMilli)} GPUs`}
        />
        <Stat
          name="In use"
          value={shareOf(sums.inUseMilli, sums.delivered)}
          note={`${formatGpus(sums.inUseMilli)} GPUs with a running instance`}
        />
      </Stats>
      {parts.length > 1 && (
        <section className="panel" aria-labelledby="parts-title">
          <h2 id="parts-title">By zone and model</h2>
          <div className="table-box" tabIndex={0} role="group" aria-label="By zone and model">
            <table>
              <thead>
                <tr>
                  <th scope="col">Zone</th>
                  <th scope="col">Model</th>
                  <th scope="col" className="end">
                    GPUs
                  </th>
                  <th scope="col" className="end">
                    Healthy
                  </th>
                  <th scope="col" className="end">
                    Reserved
                  </th>
                  <th scope="col" className="end">
                    In use
                  </th>
                </tr>
              </thead>
              <tbody>
                {parts.map((part) => (
                  <tr key={`${part.zone} ${part.gpu_model}`}>
                    <th scope="row">{part.zone}</th>
                    <td>{part.gpu_model}</td>
                    <td className="end">{formatCount(part.gpus_delivered)}</td>
                    <td className="end">{shareOf(part.gpus_healthy * 1000, part.gpus_delivered)}</td>
                    <td className="end">{shareOf(part.gpu_milli_reserved, part.gpus_delivered)}</td>
                    <td className="end">{shareOf(part.gpu_milli_in_use, part.gpus_delivered)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}

function Pressing({ all }: { all: readonly Attention[] }) {
  const now = pressing(all);
  const well = all.length - now.length;
  return (
    <>
      {now.length === 0 ? (
        <Empty title="Nothing needs a hand">{countOf(all.length, "thing")} were looked at; all are well.</Empty>
      ) : (
        <ul className="concerns">
          {now.map((one) => {
            const concern = concernOf(one.kind);
            return (
              <li key={one.kind}>
                <Goto to={concern.to}>
                  <StateChip state={formatCount(one.count)} tone={concern.tone} />
                  <span>{concern.name}</span>
                </Goto>
                {one.since !== null && (
                  <span className="fine">
                    since {formatInstant(one.since)} {zoneName(one.since)}
                  </span>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {now.length > 0 && well > 0 && (
        <p className="fine">{countOf(well, "other thing")} were looked at and are well.</p>
      )}
    </>
  );
}

function useToday() {
  const me = usePrincipal();
  const from = dayOf(me.domain_time);
  const to = dayOf(me.domain_time, 1);
  return useQuery({
    queryKey: ["margin", "today", from],
    queryFn: () => unwrap(api.GET("/v1/system/margin", { params: { query: { by: "day", from, to } } })),
  });
}

function Today() {
  const margin = useToday();
  return (
    <section className="panel" aria-labelledby="today-title">
      <h2 id="today-title">Today (UTC)</h2>
      <Loaded query={margin} what="today’s margin">
        {(data) => <TodayFigures totals={data.totals} known={data.items.length > 0} />}
      </Loaded>
    </section>
  );
}

function TodayFigures({ totals, known }: { totals: Margin["totals"]; known: boolean }) {
  const { revenue, amortization } = totals;
  const earned = micro(revenue.amount);
  const worn = micro(amortization.amount);
  if (!known)
    return (
      <Empty title="Not known yet">Billing has not closed any of today. The days before are under Economics.</Empty>
    );
  return (
    <>
      <dl className="facts">
        <div>
          <dt>Revenue</dt>
          <dd title={formatMoney(revenue)}>{formatShort(earned, revenue.currency)}</dd>
        </div>
        <div>
          <dt>Amortization</dt>
          <dd title={formatMoney(amortization)}>{formatShort(worn, amortization.currency)}</dd>
        </div>
        <div>
          <dt>Covered</dt>
          <dd className={earned < worn ? "loss" : undefined}>{formatShare(earned, worn)}</dd>
        </div>
      </dl>
      <Share part={earned} whole={worn} label="Amortization that revenue covers" />
    </>
  );
}

function Queues() {
  const { virtual_clock } = usePrincipal();
  const queues = useWhole("overview", { path: "/v1/system/queues" });
  return (
    <section className="panel" aria-labelledby="queues-title">
      <h2 id="queues-title">Lag</h2>
      <Loaded query={queues} what="queues">
        {({ items }) => {
          const late = items.filter((queue) => queue.lag_s > LAG_LATE_S);
          if (late.length === 0) return <p className="fine">Nothing waits longer than {LAG_LATE_S} s.</p>;
          return (
            <>
              <dl className="facts">
                {late.map((queue) => (
                  <div key={queue.name}>
                    <dt>{nameOfWork(queue.name)}</dt>
                    <dd>
                      {formatCount(queue.depth)} wait, the oldest for {formatSpan(queue.lag_s)}
                    </dd>
                  </div>
                ))}
              </dl>
              {virtual_clock && (
                <p className="fine">Events wait for the virtual clock, which stands still until it is moved.</p>
              )}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
