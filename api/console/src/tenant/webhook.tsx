// One webhook: how it fares, and what was brought.
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useObject, useWhole, type ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatInstant, words } from "../format/text";
import { ActionButton, type Action } from "../ui/action";
import { Fact, Facts } from "../ui/facts";
import { Heading } from "../ui/heading";
import { StateChip, type Tone } from "../ui/state-chip";
import { Loaded } from "../ui/states";
import type { Column } from "../ui/table";
import { ADMINS, refusalUnless } from "./may";
import { ResourceList, RowActions } from "./resource";
import { shownOnce, WebhookState, type Webhook } from "./webhooks";
import "./tenant.css";

type Delivery = ItemOf<"/v1/webhooks/{id}/deliveries">;

const TONES: Readonly<Record<string, Tone>> = { pending: "wait", delivered: "good", failed: "bad" };

/** How a delivery fares is no event. */
const FARES_EVERY_MS = 3000;

export function WebhookPage() {
  const me = usePrincipal();
  const { id } = useParams({ from: "/webhooks/$id" });
  const webhook = useObject("webhooks", { path: "/v1/webhooks/{id}", params: { id } }, { every_ms: FARES_EVERY_MS });
  const list = { path: "/v1/webhooks/{id}/deliveries" as const, params: { id } };
  return (
    <>
      <p className="crumb">
        <Link to="/webhooks">Webhooks</Link>
      </p>
      <Heading title="Webhook" />
      <Loaded query={webhook} what="the webhook">
        {(data) => <Fares webhook={data} me={me} />}
      </Loaded>
      <ResourceList
        title="Deliveries"
        noun="deliveries"
        query={useWhole("webhooks", list, { every_ms: FARES_EVERY_MS })}
        list={list}
        columns={columnsFor(me, id)}
        rowKey={(row) => row.id}
        empty="Nothing happened yet that it is to hear of. A ping shows whether it can be reached."
      />
    </>
  );
}

function Fares({ webhook, me }: { webhook: Webhook; me: Me }) {
  const { status } = webhook;
  const leave = useLeave();
  return (
    <section className="panel" aria-label="How it fares">
      <div className="section-top">
        <h2>{webhook.url}</h2>
        <WebhookState webhook={webhook} />
        <span className="actions section-end">
          {actionsOf(webhook, me, leave).map((action) => (
            <ActionButton key={action.verb} action={action} />
          ))}
        </span>
      </div>
      <Facts>
        <Fact name="Events">{webhook.events.join(", ")}</Fact>
        <Fact name="What for">{webhook.description ?? "\u2013"}</Fact>
        <Fact name="Last success">{formatInstant(status?.last_success_at)}</Fact>
        <Fact name="Last failure">{formatInstant(status?.last_failure_at)}</Fact>
        {status?.last_error != null && <Fact name="What was wrong">{status.last_error}</Fact>}
      </Facts>
    </section>
  );
}

/** To the list, which is then asked for anew: what was deleted is not asked for any more. */
function useLeave(): () => void {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return () => void navigate({ to: "/webhooks" }).then(() => queries.invalidateQueries({ queryKey: ["webhooks"] }));
}

function actionsOf(webhook: Webhook, me: Me, leave: () => void): Action[] {
  const params = { id: webhook.id };
  const shared = { touches: ["webhooks"], refusal: refusalUnless(me, ADMINS) };
  return [
    {
      ...shared,
      title: "Send a ping",
      verb: "Ping",
      about: "An event of kind webhook.ping, to this webhook only.",
      ask: { method: "POST", path: "/v1/webhooks/{id}/ping", params },
    },
    {
      ...shared,
      title: "Sign with another secret",
      verb: "Rotate the secret",
      about: "Both sign for a while, so that nothing is refused meanwhile.",
      ask: { method: "POST", path: "/v1/webhooks/{id}/rotate-secret", params },
      fields: [
        { at: "/overlap_s", label: "Both sign for, in seconds", kind: "integer", required: true, initial: "86400" },
      ],
      result: shownOnce,
    },
    {
      ...shared,
      title: webhook.active ? "Pause the webhook" : "Go on with the webhook",
      verb: webhook.active ? "Pause" : "Go on",
      about: "Events of the time in between are not brought later.",
      ask: { method: "PATCH", path: "/v1/webhooks/{id}", params },
      fixed: { active: !webhook.active },
    },
    {
      ...shared,
      title: "Delete the webhook",
      verb: "Delete",
      about: "With what is still on its way to it.",
      ask: { method: "DELETE", path: "/v1/webhooks/{id}", params },
      confirm: new URL(webhook.url).host,
      touches: [],
      onDone: leave,
    },
  ];
}

function columnsFor(me: Me, id: string): readonly Column<Delivery>[] {
  const again = (row: Delivery): Action => ({
    title: `Bring ${row.kind} once more`,
    verb: "Once more",
    ask: {
      method: "POST",
      path: "/v1/webhooks/{id}/deliveries/{delivery}/redeliver",
      params: { id, delivery: row.id },
    },
    touches: ["webhooks"],
    refusal: refusalUnless(me, ADMINS),
  });
  return [
    { key: "kind", title: "Event", sort: (row) => row.kind, render: (row) => words(row.kind) },
    {
      key: "state",
      title: "State",
      sort: (row) => row.state,
      render: (row) => <StateChip state={row.state} tone={TONES[row.state] ?? "done"} />,
    },
    { key: "attempts", title: "Attempts", align: "end", sort: (row) => row.attempts, render: (row) => row.attempts },
    { key: "answer", title: "Answer", render: (row) => row.response_status ?? row.error ?? "\u2013" },
    { key: "at", title: "Made", sort: (row) => row.created_at, render: (row) => formatInstant(row.created_at) },
    {
      key: "next",
      title: "Next try",
      sort: (row) => row.next_attempt_at,
      render: (row) => formatInstant(row.next_attempt_at),
    },
    { key: "do", title: "Actions", align: "end", render: (row) => <RowActions actions={[again(row)]} /> },
  ];
}
