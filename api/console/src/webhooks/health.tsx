// How all webhooks fare, for whoever runs the fleet: those that fail first, the tenants' too.
import { Link } from "@tanstack/react-router";
import { useWhole } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatCount, formatInstant } from "../format/text";
import { ResourceList } from "../tenant/resource";
import { Clipped } from "../ui/clipped";
import type { Column } from "../ui/table";
import { makeWebhook } from "./actions";
import { ALL_FARE_EVERY_MS, OF_PROVIDER, type WebhookHealth } from "./addresses";
import { errorOf, WebhookState } from "./state";

export const HEALTH = { path: "/v1/system/webhook-health" } as const;

const COLUMNS: readonly Column<WebhookHealth>[] = [
  {
    key: "url",
    title: "Leads to",
    sort: (row) => row.url,
    render: (row) => (
      <Link to="/system/webhooks/$id" params={{ id: row.webhook }}>
        <Clipped text={row.url} />
      </Link>
    ),
  },
  {
    key: "state",
    title: "State",
    sort: (row) => row.status.state,
    render: (row) => <WebhookState status={row.status} />,
  },
  { key: "tenant", title: "Whose", sort: (row) => row.tenant, render: (row) => row.tenant ?? "the provider’s" },
  {
    key: "error",
    title: "What is wrong",
    sort: (row) => errorOf(row.status),
    render: (row) => <Clipped text={errorOf(row.status) ?? "\u2013"} />,
  },
  {
    key: "since",
    title: "Fails since",
    sort: (row) => row.status.failing_since,
    render: (row) => formatInstant(row.status.failing_since),
  },
  {
    key: "pending",
    title: "Wait",
    align: "end",
    sort: (row) => row.deliveries_pending,
    render: (row) => formatCount(row.deliveries_pending),
  },
  {
    key: "failed",
    title: "Given up",
    align: "end",
    sort: (row) => row.deliveries_failed,
    render: (row) => formatCount(row.deliveries_failed),
  },
];

export function WebhooksTab() {
  const me = usePrincipal();
  return (
    <ResourceList
      title="Webhooks"
      noun="webhook-health"
      query={useWhole("webhooks", HEALTH, { every_ms: ALL_FARE_EVERY_MS })}
      list={HEALTH}
      columns={COLUMNS}
      rowKey={(row) => row.webhook}
      create={makeWebhook(OF_PROVIDER, me)}
      timed
      empty="Neither a tenant nor the provider has its events brought anywhere."
    />
  );
}
