import type { Me } from "../api/model";
import { words } from "../format/text";

/** Why this principal may not; null: it may. */
export function refusalUnless(me: Me, roles: readonly string[]): string | null {
  return roles.includes(me.role) ? null : `your role, ${words(me.role)}, may not`;
}

export const ADMINS = ["admin"];
export const WRITERS = ["member", "admin"];
