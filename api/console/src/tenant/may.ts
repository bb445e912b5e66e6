import type { Me } from "../api/model";
import { words } from "../format/text";

/** Why this principal may not; null: it may. */
export function refusalUnless(me: Me, roles: readonly string[]): string | null {
  return roles.includes(me.role) ? null : `your role, ${words(me.role)}, may not`;
}

/** What a token may do: no more than whoever makes it (api/auth/role.c). */
const COVERED: Readonly<Record<string, readonly string[]>> = {
  member: ["viewer", "member"],
  admin: ["viewer", "member", "admin", "billing"],
};

export function coveredBy(role: string): readonly string[] {
  return COVERED[role] ?? [role];
}

export const ADMINS = ["admin"];
export const WRITERS = ["member", "admin"];
