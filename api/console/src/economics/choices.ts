// What may be chosen on the economics page; each choice lives in the address.
export const VIEWS = ["days", "margin", "payback", "floor", "week", "value"] as const;
export const BY = ["tenant", "project", "instance_type", "node", "rack", "cohort", "reservation"] as const;
export const STEPS = ["day", "week", "month"] as const;
export const RANGES = [14, 30, 90, 365] as const;
/** Useful lives in months: 4, 5, 5.5 and 6 years. */
export const LIVES = [48, 60, 66, 72] as const;

export type View = (typeof VIEWS)[number];
export type By = (typeof BY)[number];
export type Step = (typeof STEPS)[number];

export const DAYS_DEFAULT = 30;
export const LIFE_DEFAULT = 60;

export const VIEW_NAMES: Readonly<Record<View, string>> = {
  days: "By day",
  margin: "Margin",
  payback: "Payback",
  floor: "Price floor",
  week: "Break-even",
  value: "Book value",
};
