// What the sections share: the address, who may change money, and fields that many forms have.
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Me } from "../api/model";
import type { Field } from "../ui/fields";
import { type ListSearch } from "../ui/list-view";
import type { BillingSearch } from "./routes";

const MAY: readonly string[] = ["finance", "system_admin"];

/** Why this principal may not change money; null: it may. */
export function refusalFor(me: Me): string | null {
  return MAY.includes(me.role) ? null : `your role, ${me.role}, reads only; finance may`;
}

export interface BillingAddress extends ListSearch {
  search: BillingSearch;
  set: (next: BillingSearch) => void;
}

export function useBilling(): BillingAddress {
  const search = useSearch({ from: "/billing" });
  const navigate = useNavigate({ from: "/billing" });
  const set = (next: BillingSearch): void =>
    void navigate({ search: (was) => ({ ...was, ...next }), replace: "find" in next || "sort" in next });
  return { search, set, find: search.find, sort: search.sort, change: set };
}

export const TIERS = ["reserved", "on_demand", "preemptible"].map((value) => ({
  value,
  label: value.replaceAll("_", " "),
}));
export const SKU_KINDS = [
  { value: "instance_type", label: "instance type" },
  { value: "gpu_model", label: "GPU model" },
];

export const tenantField = (tenant: string | undefined, required = true): Field => ({
  at: "/tenant",
  label: "Tenant",
  kind: "text",
  required,
  ...(tenant !== undefined && { initial: tenant }),
});

/** Amount and currency of one member. */
export function moneyFields(
  at: string,
  label: string,
  options: { required?: boolean; currency?: string; note?: string } = {},
): Field[] {
  const { required = true, currency = "USD", note } = options;
  return [
    { at: `${at}/amount`, label, kind: "decimal", required, ...(note !== undefined && { note }) },
    { at: `${at}/currency`, label: "Currency", kind: "text", required, initial: currency },
  ];
}
