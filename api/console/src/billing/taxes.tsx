// Tax rates: versions by code and country.
import type { ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { percentOf } from "../economics/series";
import { formatInstant } from "../format/text";
import type { Action } from "../ui/action";
import { ListView } from "../ui/list-view";
import type { Column } from "../ui/table";
import { refusalFor, useBilling } from "./shared";

type TaxRate = ItemOf<"/v1/system/tax-rates">;

const COLUMNS: readonly Column<TaxRate>[] = [
  { key: "code", title: "Code", sort: (item) => item.code, render: (item) => <b>{item.code}</b> },
  { key: "country", title: "Country", sort: (item) => item.country, render: (item) => item.country },
  {
    key: "rate",
    title: "Rate",
    align: "end",
    sort: (item) => item.rate_bp,
    render: (item) => `${percentOf(item.rate_bp)} %`,
  },
  { key: "note", title: "Said on the invoice", sort: (item) => item.note, render: (item) => item.note ?? "–" },
  { key: "from", title: "From", sort: (item) => item.valid_from, render: (item) => formatInstant(item.valid_from) },
  {
    key: "until",
    title: "Until",
    sort: (item) => item.valid_until,
    render: (item) => (item.valid_until === null ? "open" : formatInstant(item.valid_until)),
  },
];

export function Taxes() {
  const address = useBilling();
  return (
    <ListView
      path="/v1/system/tax-rates"
      word="terms"
      noun="tax rate"
      label="Tax rates"
      columns={COLUMNS}
      rowKey={(item) => item.id}
      empty="Without one a tenant’s own rate is taken, as it was set with the tenant."
      search={address}
      text={(item) => `${item.code} ${item.country} ${item.note ?? ""}`}
      newestFirst
      create={taxAction(usePrincipal())}
    />
  );
}

function taxAction(me: Me): Action<never> {
  return {
    title: "Set a tax rate",
    verb: "Set a rate",
    about:
      "The open version of the code and country ends when this one begins. Invoices that are finalized stay as they are.",
    ask: { method: "POST", path: "/v1/system/tax-rates" },
    fields: [
      { at: "/code", label: "Code", kind: "text", required: true, placeholder: "standard" },
      { at: "/country", label: "Country", kind: "text", required: true, placeholder: "DE" },
      { at: "/rate_bp", label: "Rate, basis points", kind: "integer", required: true, note: "1900 is 19 %." },
      { at: "/note", label: "Said on the invoice", kind: "text", note: "As for reverse charge." },
      { at: "/valid_from", label: "From", kind: "instant", note: "Left out: now." },
    ],
    refusal: refusalFor(me),
    touches: ["terms"],
  };
}
