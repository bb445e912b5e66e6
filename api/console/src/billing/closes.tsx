// The close of each month: how far it has come, who is parked and why, and trying again.
import { useWhole, type ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { Meter } from "../charts/meter";
import { fraction } from "../charts/scale";
import { countOf, formatCount, formatDate, formatInstant } from "../format/text";
import { ActionButton, type Action } from "../ui/action";
import { ListTools } from "../ui/list-tools";
import { ListView } from "../ui/list-view";
import { StateChip, type Tone } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import type { Column } from "../ui/table";
import { TableBox } from "../ui/table-box";
import { refusalFor, useBilling } from "./shared";

type Close = ItemOf<"/v1/system/month-closes">;
type Period = ItemOf<"/v1/system/billing-periods">;

const TONES: Readonly<Record<Period["state"], Tone>> = { open: "wait", waiting: "warn", parked: "bad", closed: "good" };

export function monthName(month: string): string {
  return new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" }).format(new Date(month));
}

export function Closes() {
  const me = usePrincipal();
  const address = useBilling();
  const closes = useWhole("invoices", { path: "/v1/system/month-closes" });
  const { month } = address.search;
  return (
    <>
      <Loaded query={closes} what="the closes">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No month yet">
              A month is closed for each tenant when it has ended in the tenant’s own calendar.
            </Empty>
          ) : (
            <Months
              closes={[...items].reverse()}
              me={me}
              month={month}
              onMonth={(next) => address.set({ month: next, find: undefined })}
            />
          )
        }
      </Loaded>
      {month !== undefined && <Periods month={month} me={me} />}
    </>
  );
}

interface MonthsProps {
  closes: readonly Close[];
  me: Me;
  month: string | undefined;
  onMonth: (month: string | undefined) => void;
}

function Months({ closes, me, month, onMonth }: MonthsProps) {
  return (
    <>
      <div className="section-top">
        <span className="fine">{countOf(closes.length, "month")}</span>
        <ListTools list={{ path: "/v1/system/month-closes" }} name="month-closes" />
      </div>
      <TableBox label="Closes by month">
        <thead>
          <tr>
            <th scope="col">Month</th>
            <th scope="col">State</th>
            <th scope="col">
              <span className="hidden">Progress</span>
            </th>
            <th scope="col" className="end">
              Closed
            </th>
            <th scope="col" className="end">
              Parked
            </th>
            <th scope="col">Began</th>
            <th scope="col">Finished</th>
            <th scope="col">
              <span className="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {closes.map((close) => (
            <tr key={close.month} className={close.month === month ? "selected" : undefined}>
              <th scope="row">
                <button
                  type="button"
                  className="link"
                  aria-expanded={close.month === month}
                  onClick={() => onMonth(close.month === month ? undefined : close.month)}
                >
                  {monthName(close.month)}
                </button>
              </th>
              <td>{stateOf(close)}</td>
              <td>
                <Meter share={fraction(BigInt(close.done), BigInt(close.total))} />
              </td>
              <td className="end">
                {formatCount(close.done)} of {formatCount(close.total)}
              </td>
              <td className={close.parked > 0 ? "end loss" : "end"}>{formatCount(close.parked)}</td>
              <td>{formatInstant(close.started_at)}</td>
              <td>{formatInstant(close.finished_at)}</td>
              <td className="end">
                {close.parked > 0 && <ActionButton action={againAction(me, close.month)} className="small" />}
              </td>
            </tr>
          ))}
        </tbody>
      </TableBox>
    </>
  );
}

function stateOf(close: Close) {
  if (close.parked > 0) return <StateChip state="parked" tone="bad" />;
  if (close.finished_at !== null) return <StateChip state="closed" tone="good" />;
  return close.started_at === null ? (
    <StateChip state="running" tone="wait" />
  ) : (
    <StateChip state="closing" tone="busy" />
  );
}

function columnsFor(me: Me, month: string): Column<Period>[] {
  return [
    { key: "tenant", title: "Tenant", sort: (item) => item.tenant, render: (item) => <b>{item.tenant}</b> },
    {
      key: "state",
      title: "State",
      sort: (item) => item.state,
      render: (item) => <StateChip state={item.state} tone={TONES[item.state]} />,
    },
    {
      key: "reason",
      title: "Why",
      sort: (item) => item.reason,
      render: (item) => item.reason ?? (item.state === "waiting" ? "some of its usage has no price" : "–"),
    },
    { key: "attempts", title: "Failed", align: "end", sort: (item) => item.attempts, render: (item) => item.attempts },
    { key: "from", title: "Period from", sort: (item) => item.starts_at, render: (item) => formatDate(item.starts_at) },
    { key: "closed", title: "Closed", sort: (item) => item.closed_at, render: (item) => formatInstant(item.closed_at) },
    {
      key: "again",
      title: "Again",
      render: (item) =>
        item.state === "parked" && (
          <ActionButton action={againAction(me, month, item.tenant)} className="quiet small" />
        ),
    },
  ];
}

function Periods({ month, me }: { month: string; me: Me }) {
  const address = useBilling();
  return (
    <section className="panel" aria-label={`Tenants in ${monthName(month)}`}>
      <h2>Tenants in {monthName(month)}</h2>
      <ListView
        key={month}
        path="/v1/system/billing-periods"
        word="invoices"
        query={{ month }}
        noun="tenant"
        label="Periods of tenants"
        columns={columnsFor(me, month)}
        rowKey={(item) => item.tenant}
        empty="Nobody had anything in it."
        search={address}
        text={(item) => `${item.tenant} ${item.state} ${item.reason ?? ""}`}
      />
    </section>
  );
}

function againAction(me: Me, month: string, tenant?: string): Action<never> {
  return {
    title: `Close ${monthName(month)} again`,
    verb: "Try again",
    about: tenant === undefined ? "All tenants that are parked are tried again." : `${tenant} is tried again.`,
    ask: { method: "POST", path: "/v1/system/month-closes" },
    fixed: { month, ...(tenant !== undefined && { tenant }) },
    refusal: refusalFor(me),
    touches: ["invoices", "margin", "ledger"],
  };
}
