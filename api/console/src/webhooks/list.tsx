// A tenant's webhooks: where events are brought, and how that fares.
import { Link } from "@tanstack/react-router";
import { useWhole } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatInstant } from "../format/text";
import { ResourceList } from "../tenant/resource";
import { Heading } from "../ui/heading";
import { Clipped } from "../ui/clipped";
import type { Column } from "../ui/table";
import { makeWebhook } from "./actions";
import { ALL_FARE_EVERY_MS, OF_TENANT, type Webhook } from "./addresses";
import { errorOf, WebhookState } from "./state";
import "../tenant/tenant.css";

const LIST = { path: OF_TENANT.list } as const;

const COLUMNS: readonly Column<Webhook>[] = [
  {
    key: "url",
    title: "Leads to",
    sort: (row) => row.url,
    render: (row) => (
      <Link to="/webhooks/$id" params={{ id: row.id }}>
        <Clipped text={row.url} />
      </Link>
    ),
  },
  {
    key: "state",
    title: "State",
    sort: (row) => row.status?.state,
    render: (row) => <WebhookState status={row.status} />,
  },
  {
    key: "error",
    title: "What is wrong",
    sort: (row) => errorOf(row.status),
    render: (row) => <Clipped text={errorOf(row.status) ?? "\u2013"} />,
  },
  { key: "events", title: "Events", render: (row) => row.events.join(", ") },
  { key: "what", title: "What for", render: (row) => row.description ?? "\u2013" },
  {
    key: "last",
    title: "Last success",
    sort: (row) => row.status?.last_success_at,
    render: (row) => formatInstant(row.status?.last_success_at),
  },
];

export function WebhooksPage() {
  const me = usePrincipal();
  return (
    <>
      <Heading title="Webhooks" />
      <ResourceList
        title="Webhooks"
        noun="webhooks"
        query={useWhole("webhooks", LIST, { every_ms: ALL_FARE_EVERY_MS })}
        list={LIST}
        columns={COLUMNS}
        rowKey={(row) => row.id}
        create={makeWebhook(OF_TENANT, me)}
        timed
        empty="Events are brought to an address of yours by POST, signed."
      />
    </>
  );
}
