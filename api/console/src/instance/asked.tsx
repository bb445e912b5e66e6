// What was asked of an instance, and what became of it.
import { useWhole, type ItemOf } from "../api/lists";
import { formatInstant, words } from "../format/text";
import { zoneName } from "../format/zone";
import { ListTools } from "../ui/list-tools";
import { StateChip, type Tone } from "../ui/state-chip";
import { Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";

type Asked = ItemOf<"/v1/instances/{id}/actions">;

const TONES: Readonly<Record<Asked["state"], Tone>> = { pending: "busy", done: "good", refused: "warn", failed: "bad" };

const columns = (): readonly Column<Asked>[] => [
  { key: "action", title: "What", render: (row) => words(row.action) },
  { key: "state", title: "State", render: (row) => <StateChip state={row.state} tone={TONES[row.state]} /> },
  { key: "reason", title: "Why not", render: (row) => (row.reason === null ? "" : words(row.reason)) },
  { key: "requested", title: `Asked for (${zoneName()})`, render: (row) => formatInstant(row.requested_at) },
  { key: "finished", title: "Over", render: (row) => formatInstant(row.finished_at) },
  { key: "by", title: "By", render: (row) => <code>{row.requested_by}</code> },
];

export function AskedOf({ id, provider }: { id: string; provider: boolean }) {
  const path = provider ? "/v1/system/instances/{id}/actions" : "/v1/instances/{id}/actions";
  const asked = useWhole("reservations", { path, params: { id } });
  return (
    <section aria-labelledby="asked-title" className="panel">
      <div className="section-top">
        <h2 id="asked-title">What was asked of it</h2>
        <ListTools list={{ path, params: { id } }} name={`actions-${id}`} />
      </div>
      <Loaded query={asked} what="what was asked of it">
        {({ items }) =>
          items.length === 0 ? (
            <p className="fine">Nobody stopped, started or rebooted it.</p>
          ) : (
            <DataTable label="What was asked of it" columns={columns()} rows={items} rowKey={(row) => row.id} />
          )
        }
      </Loaded>
    </section>
  );
}
