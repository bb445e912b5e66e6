// Charge policies: what is given back for what was not delivered, and what is charged for what was cancelled.
import type { ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatInstant, words } from "../format/text";
import type { Action } from "../ui/action";
import { ListView } from "../ui/list-view";
import type { Column } from "../ui/table";
import { parseSteps, stepsSentence } from "./steps";
import { refusalFor, TIERS, useBilling } from "./shared";

type Policy = ItemOf<"/v1/system/charge-policies">;

const COLUMNS: readonly Column<Policy>[] = [
  { key: "kind", title: "Policy", sort: (item) => item.kind, render: (item) => <b>{words(item.kind)}</b> },
  { key: "tenant", title: "Of", sort: (item) => item.tenant ?? "", render: (item) => item.tenant ?? "everybody" },
  { key: "tier", title: "Tier", sort: (item) => item.tier, render: (item) => words(item.tier) },
  {
    key: "steps",
    title: "Steps",
    render: (item) => stepsSentence(item.kind, item.steps),
  },
  { key: "from", title: "From", sort: (item) => item.valid_from, render: (item) => formatInstant(item.valid_from) },
  {
    key: "until",
    title: "Until",
    sort: (item) => item.valid_until,
    render: (item) => (item.valid_until === null ? "open" : formatInstant(item.valid_until)),
  },
];

export function Policies() {
  const me = usePrincipal();
  const address = useBilling();
  return (
    <ListView
      path="/v1/system/charge-policies"
      word="terms"
      noun="policy"
      label="Charge policies"
      columns={COLUMNS}
      rowKey={(item) => item.id}
      empty="Without a policy nothing is given back and nothing is charged for a cancellation."
      search={address}
      text={(item) => `${item.kind} ${item.tenant ?? ""} ${item.tier}`}
      newestFirst
      create={policyAction(me)}
    />
  );
}

function policyAction(me: Me): Action<never> {
  return {
    title: "Make a charge policy",
    verb: "Make a policy",
    about: "The open policy of its kind, tenant and tier ends when this one begins.",
    ask: { method: "POST", path: "/v1/system/charge-policies" },
    fields: [
      {
        at: "/kind",
        label: "Kind",
        kind: "choice",
        required: true,
        options: [
          { value: "sla_credit", label: "credit for what was not delivered" },
          { value: "cancellation", label: "charge for a cancellation" },
          { value: "early_release", label: "charge for an early release" },
        ],
      },
      { at: "/tenant", label: "Only for the tenant", kind: "text" },
      { at: "/tier", label: "Tier", kind: "choice", required: true, options: TIERS },
      {
        at: "/steps",
        label: "Steps",
        kind: "area",
        required: true,
        initial: "0: 100",
        note: "One a line: from how many seconds before the start or end on (of a credit: from how many basis points not delivered), and the share in per cent.",
        parse: parseSteps,
      },
      { at: "/valid_from", label: "From", kind: "instant", note: "Left out: now." },
    ],
    refusal: refusalFor(me),
    touches: ["terms"],
  };
}
