// Members and service accounts: people and programs that act for the tenant.
import { useWhole, type ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatInstant } from "../format/text";
import { StateChip } from "../ui/state-chip";
import type { Column } from "../ui/table";
import { ADMINS, refusalUnless } from "./may";
import {
  changeActions,
  EMAIL,
  NAME,
  roleField,
  TENANT_ROLES,
  WHAT_IT_DOES,
  type Kind,
  type Person,
} from "./people-actions";
import { ResourceList, RowActions } from "./resource";

type Member = ItemOf<"/v1/members">;
type ServiceAccount = ItemOf<"/v1/service-accounts">;

const MEMBERS = { path: "/v1/members" } as const;
const SERVICE_ACCOUNTS = { path: "/v1/service-accounts" } as const;
export function Members() {
  const me = usePrincipal();
  return (
    <ResourceList
      title="Members"
      noun="members"
      query={useWhole("members", MEMBERS)}
      list={MEMBERS}
      columns={membersFor(me)}
      rowKey={(row) => row.id}
      create={{
        title: "Add a member",
        verb: "Add a member",
        ask: { method: "POST", path: "/v1/members" },
        fields: [NAME, EMAIL, roleField(TENANT_ROLES, "member")],
        touches: ["members"],
        refusal: refusalUnless(me, ADMINS),
      }}
      empty="People who act for the tenant stand here."
    />
  );
}

export function ServiceAccounts() {
  const me = usePrincipal();
  return (
    <ResourceList
      title="Service accounts"
      noun="service-accounts"
      query={useWhole("service-accounts", SERVICE_ACCOUNTS)}
      list={SERVICE_ACCOUNTS}
      columns={accountsFor(me)}
      rowKey={(row) => row.id}
      create={{
        title: "Add a service account",
        verb: "Add a service account",
        ask: { method: "POST", path: "/v1/service-accounts" },
        fields: [NAME, roleField(TENANT_ROLES, "viewer"), WHAT_IT_DOES],
        touches: ["service-accounts"],
        refusal: refusalUnless(me, ADMINS),
      }}
      empty="Programs that act for the tenant stand here; each has tokens of its own."
    />
  );
}

function sharedColumns<T extends Person & { created_at: string }>(me: Me, kind: Kind): readonly Column<T>[] {
  return [
    { key: "role", title: "Role", sort: (row) => row.role, render: (row) => row.role },
    {
      key: "state",
      title: "State",
      sort: (row) => String(row.disabled),
      render: (row) => (
        <StateChip state={row.disabled ? "disabled" : "enabled"} tone={row.disabled ? "done" : "good"} />
      ),
    },
    { key: "added", title: "Added", sort: (row) => row.created_at, render: (row) => formatInstant(row.created_at) },
    {
      key: "do",
      title: "Actions",
      align: "end",
      stays: true,
      render: (row) => (
        <RowActions actions={changeActions("/v1", kind, row, TENANT_ROLES, refusalUnless(me, ADMINS))} />
      ),
    },
  ];
}

function membersFor(me: Me): readonly Column<Member>[] {
  return [
    { key: "name", title: "Name", sort: (row) => row.name, render: (row) => <b>{row.name}</b> },
    { key: "email", title: "Email", sort: (row) => row.email, render: (row) => row.email ?? "\u2013" },
    ...sharedColumns<Member>(me, "members"),
  ];
}

function accountsFor(me: Me): readonly Column<ServiceAccount>[] {
  return [
    { key: "name", title: "Name", sort: (row) => row.name, render: (row) => <b>{row.name}</b> },
    { key: "what", title: "What it does", render: (row) => row.description ?? "\u2013" },
    ...sharedColumns<ServiceAccount>(me, "service-accounts"),
  ];
}
