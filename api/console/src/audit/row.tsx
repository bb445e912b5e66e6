// One row of the audit: who, from where, and what the object was before and after.
import type { ReactNode } from "react";
import { useWhole } from "../api/lists";
import type { AuditRow, Event } from "../api/model";
import { formatInstant, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Detail } from "../ui/detail";
import { ObjectId } from "../ui/object-id";
import { Empty, Loaded } from "../ui/states";
import { differences, transactionOf } from "./difference";

export function RowDetail({ row, onClose }: { row: AuditRow; onClose: () => void }) {
  return (
    <Detail label="Audit row" title={row.action} onClose={onClose}>
      <dl className="facts">
        <Fact name="Result">{words(row.result)}</Fact>
        <Fact name="When">
          {formatInstant(row.recorded_at)} {zoneName(row.recorded_at)}
        </Fact>
        <Fact name="Who">{named(row.principal_name, row.principal) ?? "nobody was recognised"}</Fact>
        <Fact name="Tenant">{named(row.tenant_name, row.tenant) ?? "the provider"}</Fact>
        <Fact name="From">{row.remote}</Fact>
        <Fact name="Request">
          <code>{row.request_id}</code>
        </Fact>
        <Fact name="Object">{row.object == null ? "\u2013" : <ObjectId id={row.object} />}</Fact>
      </dl>
      {row.object != null && row.result === "ok" && <Changes object={row.object} transaction={row.transaction} />}
    </Detail>
  );
}

/** Name and id: the id stays what it was. */
function named(name: string | null, id: string | null): ReactNode {
  if (id === null) return null;
  return (
    <>
      {name} <code>{id}</code>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The object's events of the row's transaction, each against the event before it. */
function Changes({ object, transaction }: { object: string; transaction: string }) {
  const events = useWhole("audit", { path: "/v1/system/events", query: { object } });
  return (
    <section aria-label="Before and after">
      <h3>Before and after</h3>
      <Loaded query={events} what="what changed">
        {({ items }) => {
          const changes = items.filter((event) => transactionOf(event.id) === transaction);
          if (changes.length === 0) return <Empty title="No event tells what changed" />;
          return changes.map((event) => <Change key={event.id} event={event} before={stateBefore(items, event)} />);
        }}
      </Loaded>
    </section>
  );
}

/** What the log had of the same kind of object just before. */
function stateBefore(items: readonly Event[], event: Event): Event | undefined {
  return items.slice(0, items.indexOf(event)).findLast((each) => each.object_type === event.object_type);
}

function Change({ event, before }: { event: Event; before: Event | undefined }) {
  const rows = differences(before?.payload ?? {}, event.payload);
  const name = words(event.kind.replace(".", " "));
  if (rows.length === 0) return <p className="fine">{name}: the event tells that, and no field beside it.</p>;
  return (
    <div className="table-box" tabIndex={0} role="group" aria-label={name}>
      <table className="difference">
        <caption>{name}</caption>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ at, before: was, after }) => (
            <tr key={at}>
              <th scope="row">{words(at.slice(1))}</th>
              <td>{was === null ? "\u2013" : <del>{was}</del>}</td>
              <td>{after === null ? "\u2013" : <ins>{after}</ins>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
