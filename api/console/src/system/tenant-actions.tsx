// What is done to tenants and their tokens.
import type { Me, Tenant, Token } from "../api/model";
import { OnceShown } from "../ui/once-shown";
import type { Action } from "../ui/action";

const MAY: readonly string[] = ["operator", "system_admin"];
const ROLES = ["viewer", "member", "admin", "billing"] as const;

export function refusalFor(me: Me): string | null {
  return MAY.includes(me.role) ? null : `your role, ${me.role.replace("_", " ")}, reads only`;
}

export function createTenant(me: Me, onDone: (tenant: Tenant) => void): Action<Tenant> {
  return {
    title: "Create a tenant",
    verb: "Create tenant",
    about: "It can reserve once it has a token.",
    ask: { method: "POST", path: "/v1/system/tenants" },
    refusal: refusalFor(me),
    touches: ["tenants"],
    onDone,
    fields: [
      {
        at: "/name",
        label: "Name",
        kind: "text",
        required: true,
        placeholder: "acme",
        note: "Lower case, digits, . _ -",
      },
      { at: "/currency", label: "Currency", kind: "text", initial: "USD", note: "ISO 4217; of its invoices" },
      {
        at: "/billing_timezone",
        label: "Billing time zone",
        kind: "text",
        initial: "UTC",
        note: "Whose months are its billing periods",
      },
      { at: "/tax_rate_bp", label: "Tax", kind: "integer", initial: "0", note: "In basis points: 1900 is 19 %" },
      { at: "/may_shape", label: "May give shapes of its own instead of an instance type", kind: "flag" },
    ],
  };
}

export function createToken(tenant: string, me: Me): Action<Token> {
  return {
    title: `Create a token of ${tenant}`,
    verb: "Create token",
    ask: { method: "POST", path: "/v1/system/tokens" },
    fixed: { tenant },
    refusal: refusalFor(me),
    touches: ["tokens"],
    fields: [
      { at: "/name", label: "Name", kind: "text", required: true, placeholder: "ana-laptop", note: "For people" },
      {
        at: "/role",
        label: "Role",
        kind: "choice",
        required: true,
        initial: "member",
        options: ROLES.map((role) => ({ value: role, label: role })),
      },
      {
        at: "/scopes",
        label: "Limited to",
        kind: "names",
        placeholder: "reservations:read usage:read",
        note: "Empty: everything that the role may",
      },
      { at: "/expires_at", label: "Ends", kind: "instant", note: "Empty: when it is revoked" },
    ],
    result: (token) => <OnceShown what="The token" text={token.token ?? ""} />,
  };
}

export function revokeToken(token: Token, me: Me): Action<Token> {
  return {
    title: `Revoke ${token.name}`,
    verb: "Revoke",
    about: "Whoever uses it is refused from this moment on.",
    ask: { method: "POST", path: "/v1/system/tokens/{id}/revoke", params: { id: token.id } },
    fixed: {},
    confirm: token.name,
    refusal: token.revoked_at == null ? refusalFor(me) : "it is revoked already",
    touches: ["tokens"],
  };
}

export function suspendOrResume(tenant: Tenant, me: Me): Action<Tenant> {
  const shared = { refusal: refusalFor(me), touches: ["tenants"], fixed: {} } as const;
  if (tenant.status === "suspended") {
    return {
      ...shared,
      title: `Resume ${tenant.name}`,
      verb: "Resume",
      about: "It can reserve again.",
      ask: { method: "POST", path: "/v1/system/tenants/{id}/resume", params: { id: tenant.id } },
    };
  }
  return {
    ...shared,
    title: `Suspend ${tenant.name}`,
    verb: "Suspend",
    about: "It can read, and change nothing. What runs goes on.",
    ask: { method: "POST", path: "/v1/system/tenants/{id}/suspend", params: { id: tenant.id } },
    confirm: tenant.name,
  };
}
