// One webhook: how it fares, and what was brought.
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { useEndless, useObject, useWhole, type ListAsk } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatInstant, words } from "../format/text";
import { EndlessList, RowActions } from "../tenant/resource";
import { ActionButton } from "../ui/action";
import { Clipped } from "../ui/clipped";
import { Fact, Facts } from "../ui/facts";
import { Heading } from "../ui/heading";
import { StateChip, type Tone } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import type { Column } from "../ui/table";
import { redeliver, webhookActions } from "./actions";
import {
  ALL_FARE_EVERY_MS,
  FARES_EVERY_MS,
  OF_PROVIDER,
  OF_TENANT,
  type Addresses,
  type Delivery,
  type Webhook,
  type WebhookHealth,
} from "./addresses";
import { HEALTH } from "./health";
import { StatusFacts, WebhookState } from "./state";
import "../tenant/tenant.css";

const TONES: Readonly<Record<string, Tone>> = { pending: "wait", delivered: "good", failed: "bad" };
const FARES = { every_ms: FARES_EVERY_MS } as const;

export function WebhookPage() {
  const { id } = useParams({ from: "/webhooks/$id" });
  return (
    <>
      <p className="crumb">
        <Link to="/webhooks">Webhooks</Link>
      </p>
      <Heading title="Webhook" />
      <OwnWebhook of={OF_TENANT} id={id} />
    </>
  );
}

/** Any webhook, for the provider: its own are changed here, a tenant's is looked at. */
export function SystemWebhookPage() {
  const { id } = useParams({ from: "/system/webhooks/$id" });
  const health = useWhole("webhooks", HEALTH, { every_ms: ALL_FARE_EVERY_MS });
  return (
    <>
      <p className="crumb">
        <Link to="/system" search={{ tab: "webhooks" }}>
          System, webhooks
        </Link>
      </p>
      <Heading title="Webhook" />
      <Loaded query={health} what="the webhook">
        {({ items }) => {
          const found = items.find(({ webhook }) => webhook === id);
          if (found === undefined) return <Empty title="No such webhook">It was deleted, or never was.</Empty>;
          return found.tenant === null ? <OwnWebhook of={OF_PROVIDER} id={id} /> : <TenantsWebhook health={found} />;
        }}
      </Loaded>
    </>
  );
}

function OwnWebhook({ of, id }: { of: Addresses; id: string }) {
  const me = usePrincipal();
  const webhook = useObject("webhooks", { path: of.one, params: { id } }, FARES);
  return (
    <>
      <Loaded query={webhook} what="the webhook">
        {(data) => <Fares of={of} webhook={data} me={me} />}
      </Loaded>
      <Deliveries path={of.deliveries} id={id} actions={(row) => [redeliver(of, id, row, me)]} />
    </>
  );
}

function Fares({ of, webhook, me }: { of: Addresses; webhook: Webhook; me: Me }) {
  const leave = useLeave(of);
  return (
    <section className="panel" aria-label="How it fares">
      <div className="section-top">
        <h2 className="breaks">{webhook.url}</h2>
        <WebhookState status={webhook.status} />
        <span className="actions section-end">
          {webhookActions(of, webhook, me, leave).map((action) => (
            <ActionButton key={action.verb} action={action} />
          ))}
        </span>
      </div>
      <Facts>
        <Fact name="Events">{webhook.events.join(", ")}</Fact>
        <Fact name="What for">{webhook.description ?? "\u2013"}</Fact>
        <StatusFacts status={webhook.status} />
      </Facts>
    </section>
  );
}

function TenantsWebhook({ health }: { health: WebhookHealth }) {
  return (
    <>
      <section className="panel" aria-label="How it fares">
        <div className="section-top">
          <h2 className="breaks">{health.url}</h2>
          <WebhookState status={health.status} />
        </div>
        <p className="fine">
          Only the admins of {health.tenant} change it, ping it or have something brought once more. Where those of
          several tenants fail alike, the way out of here is at fault.
        </p>
        <Facts>
          <Fact name="Whose">
            <Link to="/system" search={{ tab: "tenants", tenant: health.tenant ?? "" }}>
              {health.tenant}
            </Link>
          </Fact>
          <StatusFacts status={health.status} />
        </Facts>
      </section>
      <Deliveries path="/v1/system/webhook-health/{id}/deliveries" id={health.webhook} />
    </>
  );
}

/** To the list, which is then asked for anew: what was deleted is not asked for any more. */
function useLeave(of: Addresses): () => void {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return () =>
    void (
      of === OF_TENANT ? navigate({ to: "/webhooks" }) : navigate({ to: "/system", search: { tab: "webhooks" } })
    ).then(() => queries.invalidateQueries({ queryKey: ["webhooks"] }));
}

interface DeliveriesProps {
  path: Addresses["deliveries"] | "/v1/system/webhook-health/{id}/deliveries";
  id: string;
  actions?: (row: Delivery) => ReturnType<typeof redeliver>[];
}

function Deliveries({ path, id, actions }: DeliveriesProps) {
  const list = useMemo<ListAsk>(() => ({ path, params: { id }, query: { order: "newest" } }), [path, id]);
  const rows = useEndless<Delivery>("webhooks", list, FARES);
  return (
    <EndlessList
      title="Deliveries"
      noun="deliveries"
      rows={rows}
      list={list}
      columns={columnsFor(actions)}
      timed
      empty="Nothing happened yet that it is to hear of. A ping shows whether it can be reached."
    />
  );
}

/** "503 said 503": the status and the beginning of what was answered, or why there was no answer. */
function answerOf({ response_status, response_snippet, error }: Delivery): string {
  if (response_status === null) return error ?? "\u2013";
  return `${response_status} ${response_snippet ?? ""}`.trim();
}

function columnsFor(actions: DeliveriesProps["actions"]): readonly Column<Delivery>[] {
  return [
    { key: "kind", title: "Event", sort: (row) => row.kind, render: (row) => words(row.kind) },
    {
      key: "state",
      title: "State",
      sort: (row) => row.state,
      render: (row) => <StateChip state={row.state} tone={TONES[row.state] ?? "done"} />,
    },
    { key: "attempts", title: "Attempts", align: "end", sort: (row) => row.attempts, render: (row) => row.attempts },
    { key: "answer", title: "Answer", render: (row) => <Clipped text={answerOf(row)} /> },
    { key: "at", title: "Made", sort: (row) => row.created_at, render: (row) => formatInstant(row.created_at) },
    {
      key: "next",
      title: "Next try",
      sort: (row) => row.next_attempt_at,
      render: (row) => formatInstant(row.next_attempt_at),
    },
    ...(actions === undefined
      ? []
      : [
          {
            key: "do",
            title: "Actions",
            align: "end" as const,
            stays: true as const,
            render: (row: Delivery) => <RowActions actions={actions(row)} />,
          },
        ]),
  ];
}
