// SSH keys: reservations name them, and their instances are opened by them.
import { useWhole, type ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatInstant } from "../format/text";
import type { Action } from "../ui/action";
import type { Column } from "../ui/table";
import { refusalUnless, WRITERS } from "./may";
import { ResourceList, RowActions } from "./resource";

type SshKey = ItemOf<"/v1/ssh-keys">;

const LIST = { path: "/v1/ssh-keys" } as const;

export function SshKeys() {
  const me = usePrincipal();
  const keys = useWhole("ssh-keys", LIST);
  return (
    <ResourceList
      title="SSH keys"
      noun="ssh-keys"
      query={keys}
      list={LIST}
      columns={columnsFor(me)}
      rowKey={(row) => row.id}
      create={createAction(me)}
      empty="Instances are opened by the keys that their reservation names."
    />
  );
}

function createAction(me: Me): Action {
  return {
    title: "Add an SSH key",
    verb: "Add a key",
    ask: { method: "POST", path: "/v1/ssh-keys" },
    fields: [
      { at: "/name", label: "Name", kind: "text", required: true, note: "What reservations name." },
      {
        at: "/public_key",
        label: "Public key",
        kind: "area",
        required: true,
        note: "One line, as in id_ed25519.pub.",
        placeholder: "ssh-ed25519 AAAA…",
      },
    ],
    touches: ["ssh-keys"],
    refusal: refusalUnless(me, WRITERS),
  };
}

function removeAction(me: Me, key: SshKey): Action {
  return {
    title: `Remove ${key.name}`,
    verb: "Remove",
    about: "Reservations to come cannot name it; instances that have it keep it.",
    ask: { method: "DELETE", path: "/v1/ssh-keys/{id}", params: { id: key.id } },
    confirm: key.name,
    touches: ["ssh-keys"],
    refusal: refusalUnless(me, WRITERS),
  };
}

function columnsFor(me: Me): readonly Column<SshKey>[] {
  return [
    { key: "name", title: "Name", sort: (row) => row.name, render: (row) => <b>{row.name}</b> },
    { key: "type", title: "Type", sort: (row) => row.status.type, render: (row) => row.status.type },
    { key: "fingerprint", title: "Fingerprint", render: (row) => <code>{row.status.fingerprint}</code> },
    { key: "added", title: "Added", sort: (row) => row.created_at, render: (row) => formatInstant(row.created_at) },
    {
      key: "do",
      title: "Actions",
      align: "end",
      stays: true,
      render: (row) => <RowActions actions={[removeAction(me, row)]} />,
    },
  ];
}
