// The hardware as the books have it: cohorts, single assets, orders, and the way in for many at once.
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Heading } from "../ui/heading";
import type { ListSearch } from "../ui/list-view";
import { SECTION_NAMES, SECTIONS, type Section } from "./choices";
import { Assets, Cohorts } from "./lists";
import { Import } from "./import";
import { Orders } from "./orders";
import type { AssetsSearch } from "./routes";
import "../styles/money.css";
import "../ui/tabs.css";

const BODIES: Readonly<Record<Section, () => ReactNode>> = {
  cohorts: () => <Cohorts />,
  assets: () => <Assets />,
  orders: () => <Orders />,
  import: () => <Import />,
};

export function AssetsPage() {
  const { section = "cohorts" } = useSearch({ from: "/assets" });
  return (
    <>
      <Heading title="Assets" />
      <nav className="tabs" aria-label="Assets">
        {SECTIONS.map((each) => (
          <Link key={each} to="/assets" search={{ section: each }} aria-current={each === section ? "page" : undefined}>
            {SECTION_NAMES[each]}
          </Link>
        ))}
      </nav>
      {BODIES[section]()}
    </>
  );
}

export interface AssetsAddress extends ListSearch {
  search: AssetsSearch;
  set: (next: AssetsSearch) => void;
}

export function useAssets(): AssetsAddress {
  const search = useSearch({ from: "/assets" });
  const navigate = useNavigate({ from: "/assets" });
  const set = (next: AssetsSearch): void =>
    void navigate({ search: (was) => ({ ...was, ...next }), replace: "find" in next || "sort" in next });
  return { search, set, find: search.find, sort: search.sort, change: set };
}
