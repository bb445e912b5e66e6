// Tenants, and the tokens of the one that was opened.
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useWhole } from "../api/lists";
import type { Me, Tenant, Token } from "../api/model";
import { usePrincipal } from "../app/principal";
import { countOf, formatInstant } from "../format/text";
import { zoneName } from "../format/zone";
import { ActionButton } from "../ui/action";
import { ListTools } from "../ui/list-tools";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { createTenant, createToken, revokeToken, suspendOrResume } from "./tenant-actions";

const COLUMNS: readonly Column<Tenant>[] = [
  { key: "name", title: "Tenant", sort: (tenant) => tenant.name, render: (tenant) => tenant.name },
  {
    key: "status",
    title: "Status",
    sort: (tenant) => tenant.status,
    render: (tenant) => <StateChip state={tenant.status} tone={tenant.status === "active" ? "good" : "warn"} />,
  },
  { key: "currency", title: "Currency", sort: (tenant) => tenant.currency, render: (tenant) => tenant.currency },
  {
    key: "zone",
    title: "Billing time zone",
    sort: (tenant) => tenant.billing_timezone,
    render: (tenant) => tenant.billing_timezone,
  },
  {
    key: "created",
    title: "Since",
    align: "end",
    sort: (tenant) => tenant.created_at,
    render: (tenant) => formatInstant(tenant.created_at),
  },
];

function tokenColumns(me: Me): readonly Column<Token>[] {
  return [
    { key: "name", title: "Token", sort: (token) => token.name, render: (token) => <b>{token.name}</b> },
    { key: "principal", title: "Of", sort: (token) => token.principal, render: (token) => token.principal },
    { key: "role", title: "Role", sort: (token) => token.role, render: (token) => token.role },
    { key: "state", title: "State", render: (token) => <TokenState token={token} /> },
    {
      key: "made",
      title: "Made",
      align: "end",
      sort: (token) => token.created_at,
      render: (token) => formatInstant(token.created_at),
    },
    {
      key: "used",
      title: "Last used",
      align: "end",
      sort: (token) => token.last_used_at,
      render: (token) => formatInstant(token.last_used_at),
    },
    {
      key: "revoke",
      title: "Revoke",
      align: "end",
      stays: true,
      render: (token) => <ActionButton action={revokeToken(token, me)} className="quiet small" />,
    },
  ];
}

function TokenState({ token }: { token: Token }) {
  if (token.revoked_at != null) return <StateChip state="revoked" tone="done" />;
  if (token.expires_at == null) return <StateChip state="in force" tone="good" />;
  const expired = Date.parse(token.expires_at) < Date.now();
  return (
    <StateChip
      state={`${expired ? "ended" : "until"} ${formatInstant(token.expires_at)}`}
      tone={expired ? "done" : "good"}
    />
  );
}

export function TenantsTab() {
  const me = usePrincipal();
  const { tenant: opened } = useSearch({ from: "/system" });
  const navigate = useNavigate({ from: "/system" });
  const tenants = useWhole("tenants", { path: "/v1/system/tenants" });
  const open = (tenant: string): void => void navigate({ search: { tab: "tenants", tenant } });
  return (
    <>
      <section aria-labelledby="tenants-title">
        <div className="section-top">
          <h2 id="tenants-title">Tenants</h2>
          <ActionButton action={createTenant(me, (made) => open(made.name))} className="primary" />
          <ListTools list={{ path: "/v1/system/tenants" }} name="tenants" />
        </div>
        <Loaded query={tenants} what="tenants">
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No tenants yet">The first one is made by the button above.</Empty>
            ) : (
              <DataTable
                label="Tenants"
                columns={COLUMNS}
                rows={items}
                rowKey={(tenant) => tenant.name}
                selected={opened}
                onRow={(tenant) => open(tenant.name)}
              />
            )
          }
        </Loaded>
      </section>
      {opened !== undefined && (
        <OpenedTenant name={opened} tenant={tenants.data?.items.find((each) => each.name === opened)} me={me} />
      )}
    </>
  );
}

function OpenedTenant({ name, tenant, me }: { name: string; tenant: Tenant | undefined; me: Me }) {
  const list = { path: "/v1/system/tokens", query: { tenant: name } } as const;
  const tokens = useWhole("tokens", list);
  return (
    <section className="panel" aria-labelledby="opened-title">
      <div className="section-top">
        <h2 id="opened-title">Tokens of {name}</h2>
        <Link to="/system" search={{ tab: "people", tenant: name }}>
          Its people
        </Link>
        <Link to="/billing" search={{ section: "invoices", tenant: name }}>
          Its invoices
        </Link>
        <Link to="/reservations" search={{ tenant: name }}>
          Its reservations
        </Link>
        <ActionButton action={createToken(name, me)} />
        {tenant !== undefined && <ActionButton action={suspendOrResume(tenant, me)} className="quiet" />}
        <ListTools list={list} name={`tokens-${name}`} />
      </div>
      <Loaded query={tokens} what="tokens">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No token yet">Without one nobody can act for it.</Empty>
          ) : (
            <>
              <p className="fine">
                {countOf(items.length, "token")}, times in {zoneName()}
              </p>
              <DataTable label="Tokens" columns={tokenColumns(me)} rows={items} rowKey={(token) => token.id} />
            </>
          )
        }
      </Loaded>
    </section>
  );
}
