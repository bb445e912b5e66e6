// What can be done with an invoice. Billing carries it out; the answer waits for it.
import { formatMoney, micro } from "../format/money";
import type { Action } from "../ui/action";
import { basisPointsOf } from "../economics/series";
import type { InvoiceLine, InvoiceObject } from "./invoice";

const TOUCHES = ["invoices", "credit", "margin", "ledger"] as const;

function finalizeAction(invoice: InvoiceObject, refusal: string | null): Action<never> {
  return {
    title: `Finalize the draft for ${invoice.tenant}`,
    verb: "Finalize",
    about: "It is drawn up once more and then frozen: what it says changes no more. It is owed once it is issued.",
    ask: { method: "POST", path: "/v1/system/invoices/{id}/finalize", params: { id: invoice.id } },
    refusal,
    touches: TOUCHES,
  };
}

function issueAction(invoice: InvoiceObject, refusal: string | null): Action<never> {
  return {
    title: `Issue the invoice for ${invoice.tenant}`,
    verb: "Issue",
    about: `It gets its number and ${formatMoney(invoice.total)} is owed. An issued invoice is never changed: it can be credited or made void.`,
    ask: { method: "POST", path: "/v1/system/invoices/{id}/issue", params: { id: invoice.id } },
    refusal,
    touches: TOUCHES,
  };
}

function voidAction(invoice: InvoiceObject, refusal: string | null): Action<never> {
  const credited = micro(invoice.credited.amount) !== 0n;
  return {
    title: `Void ${invoice.number ?? "the invoice"}`,
    verb: "Void",
    about: "It is owed no more and keeps its number; a draft of the same period takes its place.",
    ask: { method: "POST", path: "/v1/system/invoices/{id}/void", params: { id: invoice.id } },
    fields: [{ at: "/reason", label: "Reason", kind: "text", required: true, note: "It stays with the invoice." }],
    confirm: invoice.number ?? invoice.tenant,
    refusal: refusal ?? (credited ? "some of it was credited: credit the rest" : null),
    touches: TOUCHES,
  };
}

/** All that is left, or a share of every line. */
function creditAction(invoice: InvoiceObject, refusal: string | null): Action<never> {
  const left = micro(invoice.total.amount) - micro(invoice.credited.amount);
  return {
    title: `Credit ${invoice.number ?? "the invoice"}`,
    verb: "Credit",
    about:
      "A credit note with a number of its own takes it back, tax included. Single lines are credited where they are explained.",
    ask: { method: "POST", path: "/v1/system/invoices/{id}/credit", params: { id: invoice.id } },
    fields: [
      { at: "/reason", label: "Reason", kind: "text", required: true, note: "It is printed on the credit note." },
      {
        at: "/share",
        label: "Share of every line, %",
        kind: "decimal",
        note: "Left out: all that is left.",
        parse: shareOf,
      },
    ],
    confirm: invoice.number ?? invoice.tenant,
    refusal: refusal ?? (left === 0n ? "all of it was credited" : null),
    touches: TOUCHES,
  };
}

/** What cannot be read stays as it is: the API says what is wrong with it. */
export function shareOf(text: string): unknown {
  const share = basisPointsOf(text);
  return share === null ? text : { numerator: share, denominator: 10000 };
}

export function creditLineAction(invoice: InvoiceObject, line: InvoiceLine, refusal: string | null): Action<never> {
  const left = micro(line.net.amount) - micro(line.credited.amount);
  const whole = line.net.amount;
  return {
    title: `Credit line ${line.line_no} of ${invoice.number ?? "the invoice"}`,
    verb: "Credit this line",
    about: line.description,
    ask: { method: "POST", path: "/v1/system/invoices/{id}/credit", params: { id: invoice.id } },
    fields: [
      { at: "/reason", label: "Reason", kind: "text", required: true, note: "It is printed on the credit note." },
      {
        at: "/lines",
        label: `Amount, net, in ${line.net.currency}`,
        kind: "decimal",
        required: true,
        note: `Of ${whole}; ${line.credited.amount} was credited before. Its tax follows.`,
        parse: (text) => [{ line_no: line.line_no, net: { amount: canonical(text), currency: line.net.currency } }],
      },
    ],
    refusal:
      refusal ??
      (invoice.status !== "issued"
        ? "only an issued invoice is credited"
        : left === 0n
          ? "all of it was credited"
          : null),
    touches: TOUCHES,
  };
}

/** "66.4" as "66.400000": amounts of a wish to credit have six decimals. */
function canonical(text: string): string {
  const match = /^(-?\d+)(?:\.(\d{1,6}))?$/.exec(text);
  return match === null ? text : `${match[1]}.${(match[2] ?? "").padEnd(6, "0")}`;
}

/** All that its page offers, by what it is. */
export function invoiceActions(invoice: InvoiceObject, refusal: string | null): Action<never>[] {
  if (invoice.status === "issued") return [creditAction(invoice, refusal), voidAction(invoice, refusal)];
  if (invoice.status === "draft") return [finalizeAction(invoice, refusal), issueAction(invoice, refusal)];
  return invoice.status === "finalized" ? [issueAction(invoice, refusal)] : [];
}
