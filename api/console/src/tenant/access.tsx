// Who and what may act for the tenant: tokens, keys, people, programs, projects, and what they did.
import { Link, useSearch } from "@tanstack/react-router";
import type { ComponentType } from "react";
import { title } from "../format/text";
import { Heading } from "../ui/heading";
import { Activity } from "./activity";
import { Members, ServiceAccounts } from "./people";
import { Projects } from "./projects";
import { TABS } from "./searches";
import { SshKeys } from "./ssh-keys";
import { Tokens } from "./tokens";
import "../ui/tabs.css";
import "./tenant.css";

type Tab = (typeof TABS)[number];

const SHOWN: Readonly<Record<Tab, ComponentType>> = {
  tokens: Tokens,
  ssh_keys: SshKeys,
  members: Members,
  service_accounts: ServiceAccounts,
  projects: Projects,
  activity: Activity,
};
const NAMES: Readonly<Partial<Record<Tab, string>>> = { ssh_keys: "SSH keys" };

export function AccessPage() {
  const { tab = "tokens" } = useSearch({ from: "/access" });
  const Shown = SHOWN[tab];
  return (
    <>
      <Heading title="Access" />
      <nav aria-label="Access" className="tabs">
        {TABS.map((each) => (
          <Link key={each} to="/access" search={{ tab: each }} aria-current={each === tab ? "page" : undefined}>
            {NAMES[each] ?? title(each)}
          </Link>
        ))}
      </nav>
      <Shown />
    </>
  );
}
