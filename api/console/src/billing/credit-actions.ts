// Money that comes in: payments, refunds, and credit that is granted.
import type { Action } from "../ui/action";
import type { Field } from "../ui/fields";
import { moneyFields, tenantField } from "./shared";

export function paymentAction(refusal: string | null, tenant?: string, currency = "USD"): Action<never> {
  const fields: Field[] = [
    tenantField(tenant),
    {
      at: "/kind",
      label: "Kind",
      kind: "choice",
      required: true,
      options: [
        { value: "payment", label: "payment received" },
        { value: "refund", label: "credit paid back" },
      ],
    },
    ...moneyFields("/amount", "Amount", { currency }),
    {
      at: "/invoices",
      label: "Invoices",
      kind: "names",
      note: "Ids, to be settled in this order. Left out: those that are due first. What is left over settles the next invoice.",
    },
    { at: "/reference", label: "Reference", kind: "text", note: "As the bank has it." },
  ];
  return {
    title: "Enter a payment",
    verb: "Enter payment",
    ask: { method: "POST", path: "/v1/system/payments" },
    fields,
    refusal,
    touches: ["credit", "invoices", "ledger"],
  };
}

export function grantAction(refusal: string | null, tenant?: string, currency = "USD"): Action<never> {
  return {
    title: "Grant credit",
    verb: "Grant credit",
    about:
      "Prepaid credit is money received for what comes; promotional credit is a gift. Both are drawn down before anything is owed.",
    ask: { method: "POST", path: "/v1/system/credit-grants" },
    fields: [
      tenantField(tenant),
      {
        at: "/kind",
        label: "Kind",
        kind: "choice",
        required: true,
        options: [
          { value: "prepaid", label: "prepaid" },
          { value: "promotional", label: "promotional" },
        ],
      },
      ...moneyFields("/amount", "Amount", { currency }),
      { at: "/expires_at", label: "Expires", kind: "instant" },
      { at: "/priority", label: "Priority", kind: "integer", note: "The lowest is drawn down first." },
      { at: "/note", label: "Note", kind: "text" },
    ],
    refusal,
    touches: ["credit", "ledger"],
  };
}
