// Statements as a person reads them: a row for each line, a column for each month. Pure.

export interface StatementItem {
  month: string;
  currency: string;
  section: string;
  line: string;
  amount: string;
}

export interface PivotRow {
  section: string;
  line: string;
  /** By month, in the order of the months; undefined: no such line in it. */
  amounts: (string | undefined)[];
}

export interface Pivot {
  currency: string;
  months: string[];
  rows: PivotRow[];
}

/** As statements are read; totals stand last. */
const SECTIONS: readonly string[] = ["asset", "liability", "equity", "income", "expense"];

function place({ section }: PivotRow): number {
  const known = SECTIONS.indexOf(section);
  return known === -1 ? SECTIONS.length : known;
}

/** One table for each currency; within a section the lines as the API has them, results behind what they are of. */
export function pivot(items: readonly StatementItem[]): Pivot[] {
  const currencies = [...new Set(items.map((item) => item.currency))].sort();
  return currencies.map((currency) => {
    const own = items.filter((item) => item.currency === currency);
    const months = [...new Set(own.map((item) => item.month))].sort();
    const rows = new Map<string, PivotRow>();
    for (const { section, line, month, amount } of own) {
      const key = `${section}/${line}`;
      const row = rows.get(key) ?? { section, line, amounts: months.map(() => undefined) };
      row.amounts[months.indexOf(month)] = amount;
      rows.set(key, row);
    }
    return { currency, months, rows: [...rows.values()].sort((a, b) => place(a) - place(b)) };
  });
}
