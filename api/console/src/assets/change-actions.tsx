// What can happen to an asset: a new estimate, an impairment and its reversal, a part replaced, its end. The preview says
// what it comes to in the books.
import { formatMoney } from "../format/money";
import { formatDate } from "../format/text";
import type { Action } from "../ui/action";
import type { Field } from "../ui/fields";
import type { ItemOf } from "../api/lists";
import type { AssetObject } from "./asset";

type Change = ItemOf<"/v1/system/assets/{id}/changes">;

interface Kind {
  kind: Change["kind"];
  verb: string;
  about: string;
  fields: (money: (at: string, label: string, required?: boolean, note?: string) => Field) => Field[];
  destroys?: boolean;
}

const KINDS: readonly Kind[] = [
  {
    kind: "re_estimate",
    verb: "Re-estimate",
    about: "Another life or salvage value from a day on (IAS 8): what was charged before stays as it is.",
    fields: (money) => [
      { at: "/life_months", label: "Life in months, from its start", kind: "integer" },
      money("/salvage", "Salvage value"),
    ],
  },
  {
    kind: "impair",
    verb: "Impair",
    about: "It is worth less than the books have it at: the difference is written off.",
    fields: (money) => [
      {
        at: "/standard",
        label: "By",
        kind: "choice",
        required: true,
        options: [
          { value: "ias_36", label: "IAS 36" },
          { value: "asc_360", label: "ASC 360-10" },
        ],
      },
      money("/fair_value", "Fair value", true),
      money("/value_in_use", "Value in use", false, "By IAS 36."),
      money("/selling_cost", "Costs to sell", false, "By IAS 36."),
      money(
        "/undiscounted_cash_flows",
        "Undiscounted cash flows",
        false,
        "By ASC 360-10: the test whether it is impaired at all.",
      ),
      money("/salvage", "Salvage value from then on"),
    ],
  },
  {
    kind: "reverse",
    verb: "Reverse an impairment",
    about: "By IAS 36 up to what the books would have it at had it not been impaired.",
    fields: (money) => [
      money("/fair_value", "Fair value", true),
      money("/value_in_use", "Value in use"),
      money("/selling_cost", "Costs to sell"),
    ],
  },
  {
    kind: "replace_part",
    verb: "Replace a part",
    about:
      "The book value of what comes out leaves the books (IAS 16.70); the new part is registered as an asset of its own.",
    fields: (money) => [
      { at: "/part_count", label: "Parts that come out", kind: "integer", required: true },
      { at: "/part_total", label: "Of so many", kind: "integer", required: true },
      money("/proceeds", "Proceeds"),
    ],
  },
  {
    kind: "dispose",
    verb: "Dispose of",
    about:
      "It is depreciated to the day before and leaves the books; what it brings beside its book value is a gain or a loss.",
    fields: (money) => [money("/proceeds", "Proceeds", true), money("/selling_cost", "Costs to sell")],
    destroys: true,
  },
];

export function changeActions(asset: AssetObject, refusal: string | null): Action<Change>[] {
  const currency = asset.cost.currency;
  const money = (at: string, label: string, required = false, note?: string): Field => ({
    at,
    label: `${label} in ${currency}`,
    kind: "decimal",
    required,
    parse: (amount) => ({ amount, currency }),
    ...(note !== undefined && { note }),
  });
  const gone = asset.status?.disposed_on != null ? "it was disposed of" : null;
  return KINDS.map((kind) => ({
    title: `${kind.verb}: ${asset.serial}`,
    verb: kind.verb,
    about: kind.about,
    ask: { method: "POST", path: "/v1/system/assets/{id}/changes", params: { id: asset.id } },
    fields: [
      { at: "/effective_on", label: "On", kind: "day", required: true },
      ...kind.fields(money),
      { at: "/reason", label: "Reason", kind: "text", required: true },
    ],
    fixed: { kind: kind.kind },
    refusal: refusal ?? gone,
    effect: (would) => <Effect change={would} />,
    ...(kind.destroys === true && { confirm: asset.serial }),
    touches: ["assets", "margin", "ledger"],
  }));
}

function Effect({ change }: { change: Change }) {
  const effect = change.status.effect;
  if (effect === undefined) return <p>What it comes to is known on {formatDate(change.effective_on)}.</p>;
  const value = effect.amount.amount;
  return (
    <p>
      {/^-?0(\.0+)?$/.test(value)
        ? "Neither gain nor loss"
        : value.startsWith("-")
          ? `A loss of ${formatMoney(effect.amount).slice(1)}`
          : `A gain of ${formatMoney(effect.amount)}`}
      ; book value {formatMoney(effect.net_book_value)} on {formatDate(change.effective_on)}.
    </p>
  );
}
