// The system itself: who leads what and what waits, the database, the tenants and their tokens, who acts for whom.
import { Link, useSearch } from "@tanstack/react-router";
import { Heading } from "../ui/heading";
import { DatabaseTab } from "./database";
import { SYSTEM_TABS } from "./routes";
import { TenantsTab } from "./tenants";
import { WorkTab } from "./work";
import { PeopleTab } from "./people";
import { WebhooksTab } from "../webhooks/health";
import "../ui/tabs.css";
import "./system.css";

const NAMES = {
  work: "Work",
  database: "Database",
  tenants: "Tenants and tokens",
  people: "People",
  webhooks: "Webhooks",
} as const;
const TABS = {
  work: WorkTab,
  database: DatabaseTab,
  tenants: TenantsTab,
  people: PeopleTab,
  webhooks: WebhooksTab,
} as const;

export function SystemPage() {
  const { tab, tenant } = useSearch({ from: "/system" });
  const current = tab ?? (tenant === undefined ? "work" : "tenants");
  const Tab = TABS[current];
  return (
    <>
      <Heading title="System" />
      <nav className="tabs" aria-label="System">
        {SYSTEM_TABS.map((each) => (
          <Link key={each} to="/system" search={{ tab: each }} aria-current={current === each ? "page" : undefined}>
            {NAMES[each]}
          </Link>
        ))}
      </nav>
      <Tab />
    </>
  );
}
