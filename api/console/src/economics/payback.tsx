// When a cohort has paid for itself: what came back month by month under a scenario, against what it cost and what the
// books still have of it.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useObject, useWhole, type ObjectOf } from "../api/lists";
import { problemOf } from "../api/problem";
import { CurveChart, type Curve } from "../charts/curves";
import { formatMoney, formatShort, micro } from "../format/money";
import { countOf, formatCount } from "../format/text";
import { ProblemBox } from "../ui/problem-box";
import { ScenarioChoice, ScenarioInput } from "../ui/scenario";
import { Empty, Loaded, Loading } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import { TableBox } from "../ui/table-box";
import { LIFE_DEFAULT, LIVES } from "./choices";
import { basisPointsOf, bookValueLine, percentOf } from "./series";

type Payback = ObjectOf<"/v1/system/payback">;

const MONTHS = 84;
const AMOUNT = /^\d{1,9}(\.\d{1,6})?$/;

export function PaybackView() {
  const cohorts = useWhole("assets", { path: "/v1/system/cohorts" });
  return (
    <Loaded query={cohorts} what="cohorts">
      {({ items }) => {
        const names = [...new Set(items.filter((item) => item.nodes > 0).map((item) => item.cohort))];
        return names.length === 0 ? (
          <Empty title="No cohort yet">Assets that stand in nodes make a cohort: register them under Assets.</Empty>
        ) : (
          <Scenario names={names} />
        );
      }}
    </Loaded>
  );
}

/** An amount as the API wants it: with all six decimals. */
function canonical(text: string): string {
  const [whole = "0", fraction = ""] = text.split(".");
  return `${whole.replace(/^0+(?=\d)/, "")}.${fraction.padEnd(6, "0")}`;
}

function Scenario({ names }: { names: readonly string[] }) {
  const search = useSearch({ from: "/economics" });
  const { cohort = names[0] ?? "", life = LIFE_DEFAULT, fall = 0, use, price, currency } = search;
  const navigate = useNavigate({ from: "/economics" });
  const change = (next: Partial<typeof search>): void =>
    void navigate({ search: (was) => ({ ...was, ...next }), replace: true });
  const payback = useObject(
    "margin",
    {
      path: "/v1/system/payback",
      query: {
        cohort,
        months: String(MONTHS),
        decline_bp: String(fall),
        utilisation_bp: use === undefined ? undefined : String(use),
        gpu_hour: price,
        currency,
      },
    },
    { filters: ["decline_bp", "utilisation_bp", "gpu_hour", "currency"] },
  );
  const share = (text: string, most: number, then: (value: number | undefined) => void): boolean => {
    const value = text === "" ? undefined : basisPointsOf(text);
    if (value === null || (value !== undefined && value > most)) return false;
    then(value);
    return true;
  };
  return (
    <>
      <div className="scenario">
        <ScenarioChoice
          label="Cohort"
          value={cohort}
          options={names.map((name) => ({ value: name, label: name }))}
          onChange={(value) => change({ cohort: value })}
        />
        <ScenarioChoice
          label="Useful life"
          value={String(life)}
          options={LIVES.map((months) => ({ value: String(months), label: `${months / 12} years` }))}
          onChange={(value) => change({ life: Number(value) })}
        />
        <ScenarioInput
          label="Rent falls, % a month"
          value={percentOf(fall)}
          onChange={(text) => share(text, 9999, (value) => change({ fall: value === 0 ? undefined : value }))}
        />
        <ScenarioInput
          label="Utilisation, %"
          value={use === undefined ? "" : percentOf(use)}
          placeholder={payback.data === undefined ? "observed" : percentOf(payback.data.utilisation_bp)}
          onChange={(text) => share(text, 10000, (value) => change({ use: value === 0 ? undefined : value }))}
        />
        <ScenarioInput
          label="Price of a GPU-hour"
          value={price === undefined ? "" : price.replace(/0+$/, "").replace(/\.$/, "")}
          placeholder={payback.data === undefined ? "observed" : payback.data.gpu_hour.amount.replace(/0{1,3}$/, "")}
          onChange={(text) => {
            if (text !== "" && !AMOUNT.test(text)) return false;
            change({ price: text === "" ? undefined : canonical(text) });
            return true;
          }}
        />
      </div>
      {payback.data === undefined ? (
        payback.isError ? (
          <ProblemBox problem={problemOf(payback.error)} />
        ) : (
          <Loading what="the payback" />
        )
      ) : (
        <Result payback={payback.data} life={life} problem={payback.isError ? payback.error : null} />
      )}
    </>
  );
}

function Result({ payback, life, problem }: { payback: Payback; life: number; problem: unknown }) {
  const currency = payback.capex.currency;
  const capex = micro(payback.capex.amount);
  const values = [0n, ...payback.curve.map(({ cumulative }) => micro(cumulative.amount))];
  const curves: Curve[] = [
    {
      name: payback.actual_months > 0 ? "Came back, and as the scenario has it" : "As the scenario has it",
      kind: "main",
      values,
    },
    ...(payback.actual_months > 0
      ? [{ name: "Came back", kind: "past" as const, values: values.slice(0, payback.actual_months + 1) }]
      : []),
    { name: `Book value over ${life / 12} years`, kind: "value", values: bookValueLine(capex, life, MONTHS) },
  ];
  const months = payback.paid_back_month;
  const left = capex - (values[life] ?? 0n);
  return (
    <>
      {problem !== null && <ProblemBox problem={problemOf(problem)} />}
      <Stats>
        <Stat
          name="Capex"
          value={formatShort(capex, currency)}
          note={`${countOf(payback.nodes, "node")}, ${formatCount(payback.gpus)} GPUs; ${formatMoney(payback.brought_back)} came back so far`}
        />
        <Stat
          name="Paid back"
          value={months === null ? `not in ${MONTHS} months` : `month ${months}`}
          note={months !== null && months <= life ? "within its life" : `not within ${life} months`}
          alarming={months === null || months > life}
        />
        <Stat
          name={`By the end of ${life / 12} years`}
          value={formatShort(-left, currency)}
          note={left > 0n ? "still missing" : "over what it cost"}
          alarming={left > 0n}
        />
        <Stat
          name="Worth running until"
          value={
            payback.peak_month === null
              ? "never"
              : payback.peak_month === MONTHS
                ? `beyond month ${MONTHS}`
                : `month ${payback.peak_month}`
          }
          note={`${formatMoney(payback.peak)} by then`}
        />
      </Stats>
      <section className="panel" aria-labelledby="payback-title">
        <h2 id="payback-title">What came back, by month</h2>
        <CurveChart
          label="Payback"
          curves={curves}
          months={MONTHS}
          level={{ name: "Capex", value: capex }}
          marks={LIVES.map((each) => ({ month: each, name: `${each / 12} y`, chosen: each === life }))}
          currency={currency}
        />
        <details>
          <summary>The same as a table</summary>
          <Years payback={payback} curves={curves} />
        </details>
      </section>
    </>
  );
}

function Years({ payback, curves }: { payback: Payback; curves: readonly Curve[] }) {
  const currency = payback.capex.currency;
  return (
    <TableBox label="Payback by month">
      <thead>
        <tr>
          <th scope="col">Month</th>
          {curves.map((curve) => (
            <th key={curve.name} scope="col" className="end">
              {curve.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {payback.curve.map(({ month }) => (
          <tr key={month}>
            <th scope="row">{month}</th>
            {curves.map((curve) => (
              <td key={curve.name} className="end">
                {curve.values[month] === undefined ? "–" : formatShort(curve.values[month], currency)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}
