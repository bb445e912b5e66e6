/** What usage is summed up by. */
export const SUMS = ["day", "project", "instance_type", "tier"] as const;
/** Spans of it, in days. */
export const DAYS = [30, 90, 365] as const;
/** What Access shows. */
export const TABS = ["tokens", "ssh_keys", "members", "service_accounts", "projects", "activity"] as const;
