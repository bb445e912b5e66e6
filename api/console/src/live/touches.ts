// Which queries an event makes stale.

/** By the first part of the event's kind, the first parts of the queries' keys. */
const TOUCHES: Readonly<Record<string, readonly string[]>> = {
  node: ["nodes", "fleet", "overview"],
  maintenance: ["maintenance", "allocations"],
  replacement_request: ["replacements"],
  zone: ["zones"],
  reconciler: ["reconciler", "overview"],
  reservation: ["reservations", "nodes", "fleet", "allocations", "quotes", "availability", "quotas", "overview"],
  amendment: ["reservations"],
  instance: ["reservations", "nodes", "fleet", "overview"],
  instance_type: ["instance-types", "availability"],
  image: ["images"],
  quota: ["quotas"],
  invoice: ["invoices", "credit", "margin", "ledger"],
  invoice_request: ["invoices"],
  usage_correction: ["usage", "margin"],
  credit_note: ["invoices", "credit", "ledger"],
  credit_limit: ["credit"],
  credit_grant: ["credit", "ledger"],
  payment: ["credit", "invoices", "ledger"],
  price: ["terms", "margin"],
  price_floor: ["margin"],
  cost_rate: ["margin"],
  market_price: ["assets"],
  commitment: ["terms"],
  discount: ["terms"],
  charge_policy: ["terms"],
  tax_rate: ["terms"],
  billing_profile: ["terms"],
  asset: ["assets", "margin"],
  asset_change: ["assets", "margin"],
  purchase_order: ["assets"],
  ledger: ["margin", "ledger"],
  quote: ["quotes", "availability"],
  webhook: ["webhooks"],
  tenant: ["tenants"],
  principal: ["members", "service-accounts", "tokens"],
  token: ["tokens"],
  project: ["projects"],
  ssh_key: ["ssh-keys"],
};

/** Stands for all keys: the log no longer has what we have not read. */
export const EVERYTHING = "*";

export function touchedBy(kind: string): readonly string[] {
  if (kind === "reset") return [EVERYTHING];
  return TOUCHES[kind.split(".", 1)[0] ?? ""] ?? [];
}
