// Money with tenants: who owes, what is billed, by which terms, and what the books say.
import { Link, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Heading } from "../ui/heading";
import { GROUPS, SECTION_NAMES, type Section } from "./choices";
import { Closes } from "./closes";
import { Commitments } from "./commitments";
import { Corrections } from "./corrections";
import { CreditNotes } from "./credit-notes";
import { Discounts } from "./discounts";
import { Focus } from "./focus";
import { Grants, Payments } from "./credit";
import { Invoices } from "./invoices";
import { Policies } from "./policies";
import { Prices } from "./prices";
import { Profiles } from "./profiles";
import { Statements } from "./statements";
import { Taxes } from "./taxes";
import { Tenants } from "./tenants";
import "../styles/money.css";

const BODIES: Readonly<Record<Section, () => ReactNode>> = {
  tenants: () => <Tenants />,
  payments: () => <Payments />,
  grants: () => <Grants />,
  invoices: () => <Invoices />,
  "credit-notes": () => <CreditNotes />,
  corrections: () => <Corrections />,
  close: () => <Closes />,
  prices: () => <Prices />,
  commitments: () => <Commitments />,
  discounts: () => <Discounts />,
  policies: () => <Policies />,
  taxes: () => <Taxes />,
  profiles: () => <Profiles />,
  statements: () => <Statements />,
  focus: () => <Focus />,
};

export function BillingPage() {
  const { section = "tenants" } = useSearch({ from: "/billing" });
  return (
    <>
      <Heading title="Billing" />
      <div className="with-sections">
        <nav className="sections" aria-label="Billing">
          {GROUPS.map((group) => (
            <div key={group.name}>
              <h2>{group.name}</h2>
              {group.sections.map((each) => (
                <Link
                  key={each}
                  to="/billing"
                  search={{ section: each }}
                  aria-current={each === section ? "page" : undefined}
                >
                  {SECTION_NAMES[each]}
                </Link>
              ))}
            </div>
          ))}
        </nav>
        <section className="section-body" aria-label={SECTION_NAMES[section]}>
          {BODIES[section]()}
        </section>
      </div>
    </>
  );
}
