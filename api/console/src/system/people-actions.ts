// Who is let in by the provider: for a tenant by operators, for the provider itself by a system admin alone.
import type { Me } from "../api/model";
import { PROVIDER_ROLES, roleField, TENANT_ROLES, type Kind } from "../tenant/people-actions";
import type { Action } from "../ui/action";
import type { Field } from "../ui/fields";
import { refusalFor } from "./tenant-actions";

/** `tenant`: for whom somebody acts; null: the provider. */
export function refusalOf(me: Me, tenant: string | null): string | null {
  const provider = tenant === null && me.role !== "system_admin";
  return provider ? "only a system admin decides who acts for the provider" : refusalFor(me);
}

/** `tenant`: the one that is looked at. */
export function addToTenant(
  me: Me,
  kind: Kind,
  noun: string,
  tenant: string | undefined,
  fields: readonly Field[],
): Action<never> {
  const whose: Field = { at: "/tenant", label: "Tenant", kind: "text", required: true };
  return {
    title: `Add a ${noun} of a tenant`,
    verb: `Add a ${noun}`,
    ask: { method: "POST", path: `/v1/system/${kind}` as const },
    fields: [
      tenant === undefined ? whose : { ...whose, initial: tenant },
      ...fields,
      roleField(TENANT_ROLES, "member"),
    ],
    touches: [kind],
    refusal: refusalFor(me),
  };
}

export function addToProvider(me: Me, kind: Kind, noun: string, fields: readonly Field[]): Action<never> {
  return {
    title: `Add a ${noun} of the provider`,
    verb: `Add a provider's ${noun}`,
    ask: { method: "POST", path: `/v1/system/${kind}` as const },
    // The role that can do least stands first: it only reads.
    fields: [...fields, roleField(PROVIDER_ROLES, "auditor")],
    fixed: { tenant: null },
    touches: [kind],
    refusal: refusalOf(me, null),
  };
}
