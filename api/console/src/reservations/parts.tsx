// Lists below a reservation: instances, amendments, events.
import { Link } from "@tanstack/react-router";
import { useWhole } from "../api/lists";
import { formatInstant, formatCount, words } from "../format/text";
import { zoneName } from "../format/zone";
import { ListTools } from "../ui/list-tools";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import type { ItemOf } from "../api/lists";
import { sentenceOf } from "./refusal";
import { toneOf } from "./states";

type Instance = ItemOf<"/v1/reservations/{id}/instances">;
type Amendment = ItemOf<"/v1/reservations/{id}/amendments">;

interface PartProps {
  id: string;
  provider: boolean;
}

const INSTANCE_COLUMNS: readonly Column<Instance>[] = [
  { key: "ordinal", title: "#", sort: (row) => row.ordinal, render: (row) => row.ordinal },
  {
    key: "state",
    title: "State",
    sort: (row) => row.state,
    render: (row) => <StateChip state={row.state} tone={toneOf(row.state)} />,
  },
  { key: "address", title: "Address", sort: (row) => row.address, render: (row) => row.address ?? "\u2013" },
  {
    key: "id",
    title: "Id",
    render: (row) => (
      <Link to="/reservations/instances/$id" params={{ id: row.id }}>
        <code>{row.id}</code>
      </Link>
    ),
  },
];

export function Instances({ id, provider }: PartProps) {
  const path = provider ? "/v1/system/reservations/{id}/instances" : "/v1/reservations/{id}/instances";
  const instances = useWhole("reservations", { path, params: { id } });
  return (
    <section aria-labelledby="instances-title" className="panel">
      <div className="section-top">
        <h2 id="instances-title">Instances</h2>
        <ListTools list={{ path, params: { id } }} name={`instances-${id}`} />
      </div>
      <Loaded query={instances} what="instances">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No instances">They are made when the window comes near.</Empty>
          ) : (
            <DataTable label="Instances" columns={INSTANCE_COLUMNS} rows={items} rowKey={(row) => row.id} />
          )
        }
      </Loaded>
    </section>
  );
}

function changeOf(value: unknown): string {
  if (Array.isArray(value)) return value.map((instant) => (instant === null ? "now" : changeOf(instant))).join(" to ");
  if (typeof value === "string") return formatInstant(value);
  return value === null ? "open" : String(value);
}

function changesOf({ changes }: Amendment): string {
  return Object.entries(changes as Record<string, unknown>)
    .map(([name, value]) => `${words(name.replace("_at", ""))} ${changeOf(value)}`)
    .join(", ");
}

function termsOf({ terms }: Amendment): string {
  if (terms === undefined) return "\u2013";
  const end = terms.ends_at === null ? "open" : formatInstant(terms.ends_at);
  return `${formatCount(terms.count)} from ${formatInstant(terms.starts_at)} to ${end}`;
}

const AMENDMENT_COLUMNS = (): readonly Column<Amendment>[] => [
  { key: "asked", title: `Asked for (${zoneName()})`, render: (row) => formatInstant(row.created_at) },
  { key: "state", title: "State", render: (row) => <StateChip state={row.state} tone={toneOf(row.state)} /> },
  { key: "changes", title: "Changes", render: changesOf },
  { key: "terms", title: "Terms by it", render: termsOf },
  {
    key: "reason",
    title: "Why not",
    render: (row) => sentenceOf(row.binding) ?? (row.reason === null ? "" : words(row.reason)),
  },
];

export function Amendments({ id, provider }: PartProps) {
  const path = provider ? "/v1/system/reservations/{id}/amendments" : "/v1/reservations/{id}/amendments";
  const amendments = useWhole("reservations", { path, params: { id } });
  return (
    <section aria-labelledby="amendments-title" className="panel">
      <div className="section-top">
        <h2 id="amendments-title">Amendments</h2>
        <ListTools list={{ path, params: { id } }} name={`amendments-${id}`} />
      </div>
      <Loaded query={amendments} what="amendments">
        {({ items }) =>
          items.length === 0 ? (
            <p className="fine">Its terms are those that were first granted.</p>
          ) : (
            <DataTable
              label="Amendments"
              columns={AMENDMENT_COLUMNS()}
              rows={items}
              rowKey={(row) => row.id ?? row.created_at}
            />
          )
        }
      </Loaded>
    </section>
  );
}

export function Events({ id, provider }: PartProps) {
  const path = provider ? "/v1/system/events" : "/v1/events";
  const events = useWhole("reservations", { path, query: { object: id } });
  return (
    <section aria-labelledby="events-title" className="panel">
      <h2 id="events-title">Events</h2>
      <Loaded query={events} what="events">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No events" />
          ) : (
            <ol className="events">
              {items.map((event) => (
                <li key={event.id}>
                  <time dateTime={event.occurred_at}>{formatInstant(event.occurred_at)}</time>
                  <span>{words(event.kind.replace(".", " "))}</span>
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
    </section>
  );
}
