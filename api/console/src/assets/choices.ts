export const SECTIONS = ["cohorts", "assets", "orders", "import"] as const;
export type Section = (typeof SECTIONS)[number];

export const SECTION_NAMES: Readonly<Record<Section, string>> = {
  cohorts: "Cohorts",
  assets: "Assets",
  orders: "Purchase orders",
  import: "Import",
};
