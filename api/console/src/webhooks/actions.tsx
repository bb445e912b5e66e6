// What can be done with a webhook, whoever's it is.
import type { Me } from "../api/model";
import { refusalUnless } from "../tenant/may";
import { Secret } from "../tenant/secret";
import type { Action } from "../ui/action";
import type { Field } from "../ui/fields";
import type { Addresses, Delivery, Webhook } from "./addresses";

function shownOnce(answer: unknown) {
  const { secret } = answer as Webhook;
  return secret == null ? null : <Secret what="the secret that signs" text={secret} />;
}

function fieldsOf(webhook?: Webhook): readonly Field[] {
  return [
    {
      at: "/url",
      label: "Leads to",
      kind: "text",
      required: true,
      placeholder: "https://example.com/sluice",
      initial: webhook?.url ?? "",
    },
    {
      at: "/events",
      label: "Events",
      kind: "names",
      required: true,
      initial: webhook?.events.join(" ") ?? "reservation.*",
      note: "Kinds, with spaces between; reservation.* is every kind that begins so.",
    },
    {
      at: "/description",
      label: "What for",
      kind: "text",
      initial: webhook?.description ?? "",
      nullable: webhook !== undefined,
    },
  ];
}

export function makeWebhook(of: Addresses, me: Me): Action {
  return {
    title: "Make a webhook",
    verb: "Make a webhook",
    ask: { method: "POST", path: of.list },
    fields: fieldsOf(),
    touches: ["webhooks"],
    refusal: refusalUnless(me, of.writers),
    result: shownOnce,
  };
}

/** Any change enables again what failed for too long; what is paused goes on. */
function onOrOff({ active, status }: Webhook): Pick<Action, "title" | "verb" | "about" | "fixed"> {
  if (status?.state === "disabled")
    return {
      title: "Enable the webhook again",
      verb: "Enable again",
      about:
        "It failed for too long. Events of the time in between are not brought by themselves: Once more brings one.",
      fixed: { active: true },
    };
  return {
    title: active ? "Pause the webhook" : "Go on with the webhook",
    verb: active ? "Pause" : "Go on",
    about: "Events of the time in between are not brought later.",
    fixed: { active: !active },
  };
}

/** The port with it, where it is none of the scheme's. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

export function webhookActions(of: Addresses, webhook: Webhook, me: Me, leave: () => void): Action[] {
  const params = { id: webhook.id };
  const shared = { touches: ["webhooks"], refusal: refusalUnless(me, of.writers) };
  const idle = webhook.status?.state === "disabled" || !webhook.active;
  return [
    {
      ...shared,
      title: "Send a ping",
      verb: "Ping",
      about: "An event of kind webhook.ping, to this webhook only.",
      ask: { method: "POST", path: of.ping, params },
      refusal: shared.refusal ?? (idle ? "nothing is brought to it while it is not active" : null),
    },
    {
      ...shared,
      title: "Change the webhook",
      verb: "Change",
      about: "What waits for another try goes to the new address.",
      ask: { method: "PATCH", path: of.one, params, ifMatch: "*" },
      fields: fieldsOf(webhook),
    },
    {
      ...shared,
      title: "Sign with another secret",
      verb: "Rotate the secret",
      about: "Both sign for a while, so that nothing is refused meanwhile.",
      ask: { method: "POST", path: of.rotate, params },
      fields: [
        { at: "/overlap_s", label: "Both sign for, in seconds", kind: "integer", required: true, initial: "86400" },
      ],
      result: shownOnce,
    },
    { ...shared, ...onOrOff(webhook), ask: { method: "PATCH", path: of.one, params } },
    {
      ...shared,
      title: "Delete the webhook",
      verb: "Delete",
      about: "With what is still on its way to it.",
      ask: { method: "DELETE", path: of.one, params },
      confirm: hostOf(webhook.url),
      touches: [],
      onDone: leave,
    },
  ];
}

export function redeliver(of: Addresses, id: string, delivery: Delivery, me: Me): Action {
  return {
    title: `Bring ${delivery.kind} once more`,
    verb: "Once more",
    ask: { method: "POST", path: of.redeliver, params: { id, delivery: delivery.id } },
    touches: ["webhooks"],
    refusal: refusalUnless(me, of.writers),
  };
}
