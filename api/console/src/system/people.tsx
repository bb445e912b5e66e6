// Who acts for whom: the provider's own people and programs, and those of every tenant.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import type { ItemOf } from "../api/lists";
import { useWhole } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatInstant, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Choice } from "../reservations/filter-bar";
import {
  changeActions,
  EMAIL,
  NAME,
  PROVIDER_ROLES,
  TENANT_ROLES,
  WHAT_IT_DOES,
  type Kind,
  type Person,
} from "../tenant/people-actions";
import { RowActions } from "../tenant/resource";
import { ListView, type ListSearch } from "../ui/list-view";
import { StateChip } from "../ui/state-chip";
import type { Column } from "../ui/table";
import { addToProvider, addToTenant, refusalOf } from "./people-actions";
import type { SystemSearch } from "./routes";

type Member = ItemOf<"/v1/system/members">;
type Account = ItemOf<"/v1/system/service-accounts">;

function columnsFor<T extends Person & { tenant: string | null; created_at: string }>(
  me: Me,
  kind: Kind,
  about: Column<T>,
): readonly Column<T>[] {
  return [
    { key: "name", title: "Name", sort: (row) => row.name, render: (row) => <b>{row.name}</b> },
    {
      key: "tenant",
      title: "Acts for",
      sort: (row) => row.tenant ?? "",
      render: (row) => row.tenant ?? "the provider",
    },
    { key: "role", title: "Role", sort: (row) => row.role, render: (row) => words(row.role) },
    about,
    {
      key: "state",
      title: "State",
      sort: (row) => String(row.disabled),
      render: (row) => (
        <StateChip state={row.disabled ? "disabled" : "enabled"} tone={row.disabled ? "done" : "good"} />
      ),
    },
    {
      key: "added",
      title: `Added (${zoneName()})`,
      align: "end",
      sort: (row) => row.created_at,
      render: (row) => formatInstant(row.created_at),
    },
    {
      key: "do",
      title: "Actions",
      align: "end",
      stays: true,
      render: (row) => {
        const roles = row.tenant === null ? PROVIDER_ROLES : TENANT_ROLES;
        return <RowActions actions={changeActions("/v1/system", kind, row, roles, refusalOf(me, row.tenant))} />;
      },
    },
  ];
}

const MAIL: Column<Member> = {
  key: "email",
  title: "Email",
  sort: (row) => row.email,
  render: (row) => row.email ?? "\u2013",
};
const PURPOSE: Column<Account> = { key: "about", title: "What it does", render: (row) => row.description ?? "\u2013" };

/** The two lists keep what narrows and orders each under keys of its own. */
function useAddress() {
  const search = useSearch({ from: "/system" });
  const navigate = useNavigate({ from: "/system" });
  const set = (next: SystemSearch): void => void navigate({ search: (was) => ({ ...was, ...next }), replace: true });
  const members: ListSearch = { find: search.find, sort: search.sort, change: set };
  const accounts: ListSearch = {
    find: search.account_find,
    sort: search.account_sort,
    change: (next) =>
      set({
        ...("find" in next && { account_find: next.find }),
        ...("sort" in next && { account_sort: next.sort }),
      }),
  };
  return { tenant: search.tenant, members, accounts, set };
}

function TenantChoice({ value, onChange }: { value: string | undefined; onChange: (tenant?: string) => void }) {
  const tenants = useWhole("tenants", { path: "/v1/system/tenants" });
  return (
    <Choice
      name="Tenant"
      options={(tenants.data?.items ?? []).map(({ name }) => name)}
      value={value}
      onChange={onChange}
    />
  );
}

export function PeopleTab() {
  const me = usePrincipal();
  const { tenant, set, ...lists } = useAddress();
  const members = useMemo(() => columnsFor<Member>(me, "members", MAIL), [me]);
  const accounts = useMemo(() => columnsFor<Account>(me, "service-accounts", PURPOSE), [me]);
  return (
    <>
      <section aria-label="Members">
        <ListView
          path="/v1/system/members"
          word="members"
          query={{ tenant }}
          noun="member"
          label="Members"
          columns={members}
          rowKey={(row) => row.id}
          empty="People who may sign in stand here."
          search={lists.members}
          text={(row) => `${row.name} ${row.email ?? ""} ${row.tenant ?? "the provider"} ${row.role}`}
          filters={<TenantChoice value={tenant} onChange={(next) => set({ tenant: next })} />}
          create={addToTenant(me, "members", "member", tenant, [NAME, EMAIL])}
          more={addToProvider(me, "members", "member", [NAME, EMAIL])}
        />
      </section>
      <section aria-label="Service accounts">
        <ListView
          path="/v1/system/service-accounts"
          word="service-accounts"
          query={{ tenant }}
          noun="service account"
          label="Service accounts"
          columns={accounts}
          rowKey={(row) => row.id}
          empty="Programs that act for somebody stand here; each has tokens of its own."
          search={lists.accounts}
          text={(row) => `${row.name} ${row.description ?? ""} ${row.tenant ?? "the provider"} ${row.role}`}
          create={addToTenant(me, "service-accounts", "service account", tenant, [NAME, WHAT_IT_DOES])}
          more={addToProvider(me, "service-accounts", "service account", [NAME, WHAT_IT_DOES])}
        />
      </section>
    </>
  );
}
