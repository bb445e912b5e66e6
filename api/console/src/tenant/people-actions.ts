// What is done to those who act for somebody: in the plane of the tenant itself, and in the provider's for all.
import { words } from "../format/text";
import type { Action } from "../ui/action";
import type { Field } from "../ui/fields";

export const TENANT_ROLES = ["viewer", "member", "admin", "billing"] as const;
export const PROVIDER_ROLES = ["operator", "finance", "auditor", "system_admin", "agent"] as const;

export type Kind = "members" | "service-accounts";

export interface Person {
  id: string;
  name: string;
  role: string;
  disabled: boolean;
}

export function roleField(roles: readonly string[], initial?: string): Field {
  const options = roles.map((role) => ({ value: role, label: words(role) }));
  const field: Field = { at: "/role", label: "Role", kind: "choice", required: true, options };
  return initial === undefined ? field : { ...field, initial };
}

export const NAME: Field = { at: "/name", label: "Name", kind: "text", required: true };
export const EMAIL: Field = { at: "/email", label: "Email", kind: "text", note: "What it may sign in as." };
export const WHAT_IT_DOES: Field = { at: "/description", label: "What it does", kind: "text" };

/** `plane`: "/v1" for a tenant's own, "/v1/system" for everybody's. */
export function changeActions(
  plane: "/v1" | "/v1/system",
  kind: Kind,
  person: Person,
  roles: readonly string[],
  refusal: string | null,
): Action[] {
  const shared = { touches: [kind, "tokens"], refusal };
  const path = `${plane}/${kind}/{id}` as const;
  const params = { id: person.id };
  return [
    {
      ...shared,
      title: `Change the role of ${person.name}`,
      verb: "Role",
      ask: { method: "PATCH", path, params },
      fields: [roleField(roles, person.role)],
    },
    {
      ...shared,
      title: person.disabled ? `Enable ${person.name}` : `Disable ${person.name}`,
      verb: person.disabled ? "Enable" : "Disable",
      about: person.disabled ? "Its tokens are taken again." : "All of its tokens are refused for the time being.",
      ask: { method: "PATCH", path, params },
      fixed: { disabled: !person.disabled },
    },
    {
      ...shared,
      title: `Remove ${person.name}`,
      verb: "Remove",
      about: "With all of its tokens, at once.",
      ask: { method: "DELETE", path, params },
      confirm: person.name,
    },
  ];
}
