// One asset: its terms, its schedule, and what happened to it.
import { Link, useParams } from "@tanstack/react-router";
import { useObject, useWhole, type ItemOf, type ObjectOf } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { refusalFor } from "../billing/shared";
import { ColumnChart } from "../charts/columns";
import { formatMoney, micro } from "../format/money";
import { formatDate, words } from "../format/text";
import { ActionButton } from "../ui/action";
import { CopyAs } from "../ui/copy-as";
import { Heading } from "../ui/heading";
import { ListTools } from "../ui/list-tools";
import { StateChip, type Tone } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import { TableBox } from "../ui/table-box";
import "../styles/money.css";
import { changeActions } from "./change-actions";
import { stateOf } from "./lists";

export type AssetObject = ObjectOf<"/v1/system/assets/{id}">;
type Change = ItemOf<"/v1/system/assets/{id}/changes">;
type Row = ItemOf<"/v1/system/assets/{id}/schedule">;

export function AssetPage() {
  const { id } = useParams({ from: "/assets/$id" });
  const asset = useObject("assets", { path: "/v1/system/assets/{id}", params: { id } });
  return (
    <>
      <p className="crumb">
        <Link to="/assets" search={{ section: "assets", cohort: asset.data?.cohort }}>
          Assets{asset.data !== undefined && ` of ${asset.data.cohort}`}
        </Link>
      </p>
      <Loaded query={asset} what="the asset" heading="Asset">
        {(data) => <Shown asset={data} />}
      </Loaded>
    </>
  );
}

function Shown({ asset }: { asset: AssetObject }) {
  const refusal = refusalFor(usePrincipal());
  const status = asset.status;
  return (
    <>
      <Heading title={asset.serial}>
        <StateChip {...stateOf(asset)} />
        <span className="actions push">
          {changeActions(asset, refusal).map((action) => (
            <ActionButton key={action.verb} action={action} />
          ))}
          <CopyAs ask={{ method: "GET", path: "/v1/system/assets/{id}", params: { id: asset.id } }} />
        </span>
      </Heading>
      <Stats>
        <Stat name="Cost" value={formatMoney(asset.cost)} note={`salvage ${formatMoney(asset.salvage)}`} />
        <Stat
          name="Depreciated"
          value={status === undefined ? "–" : formatMoney(status.accumulated_depreciation)}
          note={
            status === undefined ? "not in the books yet" : `in the books since ${formatDate(status.recognised_on)}`
          }
        />
        <Stat
          name="Impaired"
          value={status === undefined ? "–" : formatMoney(status.accumulated_impairment)}
          note="written off beside it"
        />
        <Stat
          name="Book value"
          value={status === undefined ? "–" : formatMoney(status.net_book_value)}
          note={`${words(asset.method)}, ${words(asset.convention)}, ${asset.life_months} months from ${formatDate(asset.in_service)}`}
        />
      </Stats>
      <Changes asset={asset} />
      <Schedule asset={asset} />
    </>
  );
}

const TONES: Readonly<Record<string, Tone>> = { pending: "wait", applied: "good", refused: "bad" };

function Changes({ asset }: { asset: AssetObject }) {
  const changes = useWhole("assets", { path: "/v1/system/assets/{id}/changes", params: { id: asset.id } });
  return (
    <section className="panel" aria-labelledby="changes-title">
      <div className="section-top">
        <h2 id="changes-title">What happened to it</h2>
        <ListTools
          list={{ path: "/v1/system/assets/{id}/changes", params: { id: asset.id } }}
          name={`${asset.serial}-changes`}
        />
      </div>
      <Loaded query={changes} what="its changes">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing yet">
              It is depreciated as it was registered. An estimate, an impairment, a part or its end is entered above.
            </Empty>
          ) : (
            <ChangeTable items={items} />
          )
        }
      </Loaded>
    </section>
  );
}

function ChangeTable({ items }: { items: readonly Change[] }) {
  return (
    <TableBox label="Changes">
      <thead>
        <tr>
          <th scope="col">Change</th>
          <th scope="col">On</th>
          <th scope="col">State</th>
          <th scope="col" className="end">
            Gain or loss
          </th>
          <th scope="col" className="end">
            Book value then
          </th>
          <th scope="col">Reason</th>
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={item.id}>
            <th scope="row">{item.kind === "re_estimate" ? "re-estimate" : words(item.kind)}</th>
            <td>{formatDate(item.effective_on)}</td>
            <td>
              <StateChip state={item.status.outcome} tone={TONES[item.status.outcome] ?? "wait"} />
              {item.status.problem !== null && <span className="fine"> {item.status.problem}</span>}
            </td>
            <td className={item.status.effect?.amount.amount.startsWith("-") === true ? "end loss" : "end"}>
              {item.status.effect === undefined ? "–" : formatMoney(item.status.effect.amount)}
            </td>
            <td className="end">
              {item.status.effect === undefined ? "–" : formatMoney(item.status.effect.net_book_value)}
            </td>
            <td>{item.reason}</td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}

function Schedule({ asset }: { asset: AssetObject }) {
  const params = { id: asset.id };
  const schedule = useWhole("assets", { path: "/v1/system/assets/{id}/schedule", params });
  return (
    <section className="panel" aria-labelledby="schedule-title">
      <div className="section-top">
        <h2 id="schedule-title">Depreciation by month</h2>
        <span className="push">
          <ListTools list={{ path: "/v1/system/assets/{id}/schedule", params }} name={`${asset.serial}-schedule`} />
        </span>
      </div>
      <Loaded query={schedule} what="its schedule">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No schedule">It is not depreciated.</Empty>
          ) : (
            <ScheduleBody items={items} />
          )
        }
      </Loaded>
    </section>
  );
}

function ScheduleBody({ items }: { items: readonly Row[] }) {
  const currency = items[0]?.amount.currency ?? "USD";
  const columns = items.map((row) => {
    const [amount, posted] = [micro(row.amount.amount), micro(row.posted.amount)];
    const name = formatDate(row.from);
    return { key: row.from, short: name.replace(/^\d+ /, ""), name, parts: [posted, amount - posted] };
  });
  return (
    <>
      <ColumnChart label="Depreciation by month" columns={columns} series={["Posted", "Planned"]} currency={currency} />
      <details>
        <summary>The same as a table</summary>
        <TableBox label="Schedule">
          <thead>
            <tr>
              <th scope="col">From</th>
              {["Amount", "Posted", "Accumulated", "Book value"].map((title) => (
                <th key={title} scope="col" className="end">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items.map((row) => (
              <tr key={row.from}>
                <th scope="row">{formatDate(row.from)}</th>
                {[row.amount, row.posted, row.accumulated, row.net_book_value].map((amount, index) => (
                  <td key={index} className="end">
                    {formatMoney(amount)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </TableBox>
      </details>
    </>
  );
}
