// The system itself: who leads what and what waits, the database, the tenants and their tokens.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Heading } from "../ui/heading";
import { DatabaseTab } from "./database";
import { SYSTEM_TABS } from "./routes";
import { TenantsTab } from "./tenants";
import { WorkTab } from "./work";
import "./system.css";

const NAMES = { work: "Work", database: "Database", tenants: "Tenants and tokens" } as const;
const TABS = { work: WorkTab, database: DatabaseTab, tenants: TenantsTab } as const;

export function SystemPage() {
  const { tab, tenant } = useSearch({ from: "/system" });
  const navigate = useNavigate({ from: "/system" });
  const current = tab ?? (tenant === undefined ? "work" : "tenants");
  const Tab = TABS[current];
  return (
    <>
      <Heading title="System" />
      <div className="filter" role="group" aria-label="Part">
        {SYSTEM_TABS.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={current === each}
            onClick={() => void navigate({ search: { tab: each } })}
          >
            {NAMES[each]}
          </button>
        ))}
      </div>
      <Tab />
    </>
  );
}
