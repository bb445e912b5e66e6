// Webhooks: where events are brought, and how that fares.
import { Link } from "@tanstack/react-router";
import { useWhole, type ItemOf } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatInstant } from "../format/text";
import { Heading } from "../ui/heading";
import { StateChip, type Tone } from "../ui/state-chip";
import type { Column } from "../ui/table";
import { ADMINS, refusalUnless } from "./may";
import { ResourceList } from "./resource";
import { Secret } from "./secret";
import "./tenant.css";

export type Webhook = ItemOf<"/v1/webhooks">;

const LIST = { path: "/v1/webhooks" } as const;
const TONES: Readonly<Record<string, Tone>> = { ok: "good", failing: "warn", disabled: "bad", inactive: "done" };

export function WebhookState({ webhook }: { webhook: Webhook }) {
  const state = webhook.status?.state ?? "ok";
  return <StateChip state={state} tone={TONES[state] ?? "done"} />;
}

export function shownOnce(answer: unknown) {
  const { secret } = answer as Webhook;
  return secret == null ? null : <Secret what="the secret that signs" text={secret} />;
}

const COLUMNS: readonly Column<Webhook>[] = [
  {
    key: "url",
    title: "Leads to",
    sort: (row) => row.url,
    render: (row) => (
      <Link to="/webhooks/$id" params={{ id: row.id }}>
        {row.url}
      </Link>
    ),
  },
  { key: "state", title: "State", sort: (row) => row.status?.state, render: (row) => <WebhookState webhook={row} /> },
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
        query={useWhole("webhooks", LIST)}
        list={LIST}
        columns={COLUMNS}
        rowKey={(row) => row.id}
        create={{
          title: "Make a webhook",
          verb: "Make a webhook",
          ask: { method: "POST", path: "/v1/webhooks" },
          fields: [
            { at: "/url", label: "Leads to", kind: "text", required: true, placeholder: "https://example.com/sluice" },
            {
              at: "/events",
              label: "Events",
              kind: "names",
              required: true,
              initial: "reservation.*",
              note: "Kinds, with spaces between; reservation.* is every kind that begins so.",
            },
            { at: "/description", label: "What for", kind: "text" },
          ],
          touches: ["webhooks"],
          refusal: refusalUnless(me, ADMINS),
          result: shownOnce,
        }}
        empty="Events are brought to an address of yours by POST, signed."
      />
    </>
  );
}
