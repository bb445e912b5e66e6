// The parts of the billing page, in the order of the work: who owes, what is billed, by which terms, what the books say.
export const SECTIONS = [
  "tenants",
  "payments",
  "grants",
  "invoices",
  "credit-notes",
  "corrections",
  "close",
  "prices",
  "commitments",
  "discounts",
  "policies",
  "taxes",
  "profiles",
  "statements",
  "focus",
] as const;
export type Section = (typeof SECTIONS)[number];

export const SECTION_NAMES: Readonly<Record<Section, string>> = {
  tenants: "Tenants",
  payments: "Payments",
  grants: "Credit grants",
  invoices: "Invoices",
  "credit-notes": "Credit notes",
  corrections: "Usage corrections",
  close: "Period close",
  prices: "Prices",
  commitments: "Commitments",
  discounts: "Discounts",
  policies: "Charge policies",
  taxes: "Tax rates",
  profiles: "Profiles",
  statements: "Statements",
  focus: "FOCUS exports",
};

export const GROUPS: readonly { name: string; sections: readonly Section[] }[] = [
  { name: "Owed", sections: ["tenants", "payments", "grants"] },
  { name: "Billed", sections: ["invoices", "credit-notes", "corrections", "close"] },
  { name: "Terms", sections: ["prices", "commitments", "discounts", "policies", "taxes", "profiles"] },
  { name: "Books", sections: ["statements", "focus"] },
];

export const INVOICE_STATUSES = ["draft", "finalized", "issued", "void"] as const;
export type InvoiceStatus = (typeof INVOICE_STATUSES)[number];

export const STATEMENTS = ["trial-balance", "balance-sheet", "income-statement"] as const;
export type Statement = (typeof STATEMENTS)[number];
