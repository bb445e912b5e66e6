// What is asked, written down for a shell: as curl, and as the command line has it.
import { addressOf, type Ask } from "./change";

interface Command {
  words: string;
  /** Members of the body and parameters that have an option of their own: --like-this. */
  options?: readonly string[];
  /** Takes the whole body from standard input: --body -. */
  takesBody?: boolean;
}

const LIST = ["limit"];
const TENANTS = ["limit", "name", "tenant"];

// The commands (docs/cli.md) by the request they make. The planes share a command: /v1/system/x stands here as /v1/x. Where
// the body's `action` says what is asked, each has its row.
// prettier-ignore
const COMMANDS: Readonly<Record<string, Command>> = {
  "GET /v1/me": { words: "me" },
  "POST /v1/reservations": { words: "reservation create", takesBody: true },
  "GET /v1/reservations": { words: "reservation list", options: [...TENANTS, "state", "zone", "project", "instance_type", "tier", "from", "to", "find", "order", "include"] },
  "GET /v1/reservations/{id}": { words: "reservation get" },
  "POST /v1/reservations/{id}/cancel": { words: "reservation cancel" },
  "DELETE /v1/reservations/{id}": { words: "reservation delete" },
  "POST /v1/reservations/{id}/amendments": { words: "reservation amend", options: ["starts_at", "ends_at", "count"] },
  "POST /v1/quotes": { words: "quote create", takesBody: true },
  "GET /v1/quotes": { words: "quote list", options: [...TENANTS, "state", "zone", "include"] },
  "GET /v1/quotes/{id}": { words: "quote get" },
  "DELETE /v1/quotes/{id}": { words: "quote delete" },
  "GET /v1/availability": { words: "availability", options: ["zone", "instance_type", "from", "to", "step_s"] },
  "POST /v1/offers": { words: "offer", takesBody: true },
  "GET /v1/capacity": { words: "capacity", options: ["zone", "level", "gpu_model", "from", "to", "step_s"] },
  "POST /v1/simulate": { words: "simulate", takesBody: true },
  "POST /v1/maintenance-windows": { words: "maintenance create", takesBody: true },
  "GET /v1/maintenance-windows": { words: "maintenance list", options: ["limit", "zone", "state", "include"] },
  "GET /v1/maintenance-windows/{id}": { words: "maintenance get" },
  "POST /v1/maintenance-windows/{id}/cancel": { words: "maintenance cancel" },
  "GET /v1/replacement-requests": { words: "replacement list", options: ["limit", "state", "node"] },
  "POST /v1/replacement-requests": { words: "replacement create", options: ["node", "gpu", "part", "serial", "reason"] },
  "POST /v1/replacement-requests/{id}/order": { words: "replacement order", options: ["reference"] },
  "POST /v1/replacement-requests/{id}/complete": { words: "replacement complete", options: ["new_serial", "asset_change"] },
  "POST /v1/replacement-requests/{id}/cancel": { words: "replacement cancel", options: ["reason"] },
  "GET /v1/reconciler": { words: "reconciler list", options: ["limit", "zone", "paused"] },
  "GET /v1/reconciler/{id}": { words: "reconciler get" },
  "POST /v1/reconciler/{id}/pause": { words: "reconciler pause", options: ["reason", "until"] },
  "POST /v1/reconciler/{id}/resume": { words: "reconciler resume" },
  "GET /v1/instances": { words: "instance list", options: ["limit", "tenant", "state", "reservation", "node"] },
  "GET /v1/instances/{id}": { words: "instance get" },
  "POST /v1/instances/{id}/actions stop": { words: "instance stop" },
  "POST /v1/instances/{id}/actions start": { words: "instance start" },
  "POST /v1/instances/{id}/actions reboot": { words: "instance reboot" },
  "GET /v1/instances/{id}/actions": { words: "instance actions", options: LIST },
  "GET /v1/instances/{id}/console": { words: "instance console", options: ["tail", "incarnation"] },
  "GET /v1/nodes": { words: "node list", options: ["limit", "name", "zone", "state", "fabric", "rack", "include"] },
  "GET /v1/nodes/{id}": { words: "node get" },
  "GET /v1/invoices": { words: "invoice list", options: ["limit", "tenant", "number", "status"] },
  "GET /v1/invoices/{id}": { words: "invoice get" },
  "GET /v1/quotas": { words: "quota list", options: ["limit", "tenant", "zone", "project"] },
  "GET /v1/webhooks": { words: "webhook list", options: LIST },
  "POST /v1/webhooks": { words: "webhook create", takesBody: true },
  "DELETE /v1/webhooks/{id}": { words: "webhook delete" },
  "GET /v1/audit": { words: "audit list", options: ["limit", "tenant", "principal", "action", "object", "result", "from", "until"] },
  "GET /v1/usage": { words: "usage list", options: ["limit", "tenant", "reservation", "from", "to"] },
  "GET /v1/margin": { words: "margin", options: ["from", "to", "by"] },
  "GET /v1/projects": { words: "project list", options: TENANTS },
  "POST /v1/projects": { words: "project create", takesBody: true },
  "DELETE /v1/projects/{id}": { words: "project delete" },
  "GET /v1/ssh-keys": { words: "ssh-key list", options: ["limit", "name", "fingerprint"] },
  "POST /v1/ssh-keys": { words: "ssh-key create", takesBody: true },
  "DELETE /v1/ssh-keys/{id}": { words: "ssh-key delete" },
  "GET /v1/images": { words: "image list", options: ["limit", "name"] },
  "POST /v1/images": { words: "image create", takesBody: true },
  "DELETE /v1/images/{id}": { words: "image delete" },
  "GET /v1/members": { words: "member list", options: TENANTS },
  "POST /v1/members": { words: "member create", takesBody: true },
  "DELETE /v1/members/{id}": { words: "member delete" },
  "GET /v1/service-accounts": { words: "service-account list", options: TENANTS },
  "POST /v1/service-accounts": { words: "service-account create", takesBody: true },
  "DELETE /v1/service-accounts/{id}": { words: "service-account delete" },
  "GET /v1/tokens": { words: "token list", options: [...TENANTS, "principal"] },
  "POST /v1/tokens": { words: "token create", takesBody: true },
  "POST /v1/tokens/{id}/revoke": { words: "token revoke" },
  "DELETE /v1/tokens/{id}": { words: "token delete" },
  "GET /v1/sessions": { words: "session list", options: LIST },
  "DELETE /v1/sessions/{id}": { words: "session end" },
  "POST /v1/sessions/revoke": { words: "session end-all", options: ["principal_id"] },
  "GET /v1/prices": { words: "price list", options: ["limit", "tenant", "sku_kind", "sku"] },
  "GET /v1/zones": { words: "zone list", options: ["limit", "name"] },
  "GET /v1/instance-types": { words: "instance-type list", options: ["limit", "name"] },
};

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** As curl. The token is never written down: the shell's $SLUICE_TOKEN stands for it. */
export function curlOf(ask: Ask, origin: string): string {
  const parts = ["curl --fail-with-body -sS"];
  if (ask.method !== "GET") parts.push(`-X ${ask.method}`);
  parts.push(quoted(`${origin}${addressOf(ask)}`), '-H "Authorization: Bearer $SLUICE_TOKEN"');
  if (ask.ifMatch !== undefined) parts.push(`-H ${quoted(`If-Match: ${ask.ifMatch}`)}`);
  if (ask.body !== undefined)
    parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(ask.body))}`);
  if (ask.file !== undefined)
    parts.push(`-H ${quoted(`Content-Type: ${ask.file.type}`)}`, `--data-binary @${quoted(ask.file.name)}`);
  return parts.join(" \\\n  ");
}

function optionsOf(fields: Readonly<Record<string, unknown>>, known: readonly string[]): string[] | null {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  if (given.some(([name, value]) => !known.includes(name) || typeof value === "object")) return null;
  return given.map(([name, value]) => `--${name.replaceAll("_", "-")} ${quoted(String(value))}`);
}

/** As a command of `sluice`, or null: the command line has none for it. */
export function cliOf(ask: Ask): string | null {
  const { action, ...body } = (ask.body ?? {}) as Record<string, unknown>;
  const asked = `${ask.method} ${ask.path.replace("/v1/system/", "/v1/")}`;
  const command = COMMANDS[typeof action === "string" ? `${asked} ${action}` : asked];
  if (command === undefined || ask.file !== undefined) return null;
  const words = ["sluice", command.words, ...Object.values(ask.params ?? {}).map(quoted)];
  const options = optionsOf({ ...ask.query, ...body }, command.options ?? []);
  if (options !== null) return [...words, ...options].join(" ");
  if (command.takesBody !== true) return null;
  return `${[...words, "--body -"].join(" ")} <<'EOF'\n${JSON.stringify(body, null, 2)}\nEOF`;
}
