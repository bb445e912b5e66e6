// Billing profiles: who is billed, from where, under which tax and series; the provider's own stands first.
import type { ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { words } from "../format/text";
import { ActionButton, type Action } from "../ui/action";
import type { Field } from "../ui/fields";
import { ListView } from "../ui/list-view";
import type { Column } from "../ui/table";
import { TenantFilter } from "./filters";
import { refusalFor, tenantField, useBilling } from "./shared";

type Profile = ItemOf<"/v1/system/billing-profiles">;

function columnsFor(me: Me): Column<Profile>[] {
  return [
    {
      key: "tenant",
      title: "Of",
      sort: (item) => item.tenant ?? "",
      render: (item) => <b>{item.tenant ?? "the provider"}</b>,
    },
    { key: "name", title: "Legal name", sort: (item) => item.legal_name, render: (item) => item.legal_name ?? "–" },
    { key: "country", title: "Country", sort: (item) => item.country, render: (item) => item.country ?? "–" },
    { key: "tax", title: "Tax", sort: (item) => item.tax_code, render: (item) => item.tax_code ?? "as usual" },
    { key: "number", title: "Tax number", sort: (item) => item.tax_number, render: (item) => item.tax_number ?? "–" },
    {
      key: "issue",
      title: "Issued",
      sort: (item) => item.issue,
      render: (item) => (item.issue === null ? "as the provider’s" : words(item.issue)),
    },
    {
      key: "series",
      title: "Series",
      sort: (item) => item.invoice_series,
      render: (item) =>
        [item.invoice_series, item.credit_series].filter((each) => each !== null).join(", ") || "as the provider’s",
    },
    {
      key: "days",
      title: "Due in",
      align: "end",
      sort: (item) => item.payment_days,
      render: (item) => (item.payment_days === null ? "as the provider’s" : `${item.payment_days} days`),
    },
    {
      key: "edit",
      title: "Change",
      render: (item) => <ActionButton action={editAction(me, item)} className="quiet small" />,
    },
  ];
}

export function Profiles() {
  const me = usePrincipal();
  const address = useBilling();
  const { tenant } = address.search;
  return (
    <ListView
      path="/v1/system/billing-profiles"
      word="terms"
      query={{ tenant }}
      noun="profile"
      label="Billing profiles"
      columns={columnsFor(me)}
      rowKey={(item) => item.id}
      empty="Without one a tenant is billed by its name, under the provider’s terms."
      search={address}
      text={(item) => `${item.tenant ?? "provider"} ${item.legal_name ?? ""} ${item.country ?? ""}`}
      filters={<TenantFilter />}
      create={makeAction(me, tenant)}
    />
  );
}

function fieldsFor(profile?: Profile): Field[] {
  const text = (
    name:
      | "legal_name"
      | "address"
      | "country"
      | "tax_number"
      | "reference"
      | "note"
      | "tax_code"
      | "tax_country"
      | "invoice_series"
      | "credit_series",
    label: string,
    note?: string,
  ): Field => ({
    at: `/${name}`,
    label,
    kind: name === "address" ? "area" : "text",
    nullable: profile !== undefined,
    initial: profile?.[name] ?? "",
    ...(note !== undefined && { note }),
  });
  return [
    text("legal_name", "Legal name"),
    text("address", "Address"),
    text("country", "Country", "Two letters: DE"),
    text("tax_number", "Tax number"),
    text("reference", "Reference", "What the buyer wants to read on it: an order number."),
    text("note", "Note on the invoice"),
    text("tax_code", "Tax code"),
    text("tax_country", "Country of the tax"),
    {
      at: "/issue",
      label: "Issued",
      kind: "choice",
      nullable: profile !== undefined,
      initial: profile?.issue ?? "",
      options: [
        { value: "at_close", label: "at the close" },
        { value: "by_hand", label: "by hand" },
      ],
    },
    text("invoice_series", "Series of invoices"),
    text("credit_series", "Series of credit notes"),
    {
      at: "/payment_days",
      label: "Days until due",
      kind: "integer",
      nullable: profile !== undefined,
      initial: profile?.payment_days?.toString() ?? "",
    },
  ];
}

function editAction(me: Me, profile: Profile): Action<never> {
  return {
    title: `Billing profile of ${profile.tenant ?? "the provider"}`,
    verb: "Change",
    about:
      "Drafts take it up when they are finalized; what is finalized stays as it is. An emptied field is taken back.",
    ask: { method: "PATCH", path: "/v1/system/billing-profiles/{id}", params: { id: profile.id }, ifMatch: "*" },
    fields: fieldsFor(profile),
    refusal: refusalFor(me),
    touches: ["terms"],
  };
}

function makeAction(me: Me, tenant: string | undefined): Action<never> {
  return {
    title: "Make a billing profile",
    verb: "Make a profile",
    ask: { method: "POST", path: "/v1/system/billing-profiles" },
    fields: [tenantField(tenant), ...fieldsFor()],
    refusal: refusalFor(me),
    touches: ["terms"],
  };
}
